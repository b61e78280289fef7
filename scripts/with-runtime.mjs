// The one way in: runs a TypeScript file of this repository under its own Node, on a machine that has only Node 20 and npm.
// Installs the workspace first when that has not been done, or when what it is made from has changed. Plain JavaScript, no
// dependencies, nothing newer than Node 20: it runs before anything is installed. Its own words go to stderr.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = realpathSync(resolve(fileURLToPath(import.meta.url), '..', '..'))
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.artifact-store-install')
const neededMajor = 24

/** A failure that is told in one sentence. */
class Sentence extends Error {}

/**
 * Makes node_modules what the lockfile says. Does nothing, within milliseconds, when it is already. Two that start at once
 * install once: the second waits for the first.
 */
export async function ensureInstalled() {
  const stamp = currentStamp()
  if (isInstalled(stamp)) return
  const release = await takeInstallLock()
  try {
    if (isInstalled(stamp)) return
    await install()
    writeFileSync(stampFile, `${stamp}\n`)
  } finally {
    release()
  }
}

/**
 * Runs `script` (a path from the repository's root, or absolute) under the workspace's Node with the workspace's programs on
 * PATH. Resolves to its exit code; dies of the same signal if it died of one.
 * @param {string} script
 * @param {readonly string[]} args
 */
export async function runWithRuntime(script, args) {
  const node = findRuntime()
  const env = {
    // What Node has compiled of a module once, by any process of this workspace, it need not compile again: a third of a start. Coverage would miss functions.
    ...(process.env.NODE_V8_COVERAGE ? {} : { NODE_COMPILE_CACHE: join(modules, '.cache', 'node-compile') }),
    ...process.env,
    PATH: [join(modules, '.bin'), process.env.PATH].filter(Boolean).join(delimiter),
  }
  const child = spawn(node, [resolve(root, script), ...args], { stdio: 'inherit', env })
  return await follow(child)
}

/** `ensureInstalled`, then `runWithRuntime`; sets the exit code. A failure of ours is one sentence and exit code 1.
 * @param {string} script
 * @param {readonly string[]} args */
export async function main(script, args) {
  try {
    await ensureInstalled()
    process.exitCode = await runWithRuntime(script, args)
  } catch (error) {
    if (!(error instanceof Sentence)) throw error
    say(error.message)
    process.exitCode = 1
  }
}

/** What node_modules is made from, and for which machine. */
function currentStamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...packageFiles()])
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

/** Every package.json of the workspace, which is never deeper than two directories. */
function packageFiles() {
  const directories = parent =>
    readdirSync(join(root, parent), { withFileTypes: true })
      .filter(entry => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .map(entry => join(parent, entry.name))
      .toSorted((a, b) => (a < b ? -1 : 1))
  const found = ['.', ...['packages', 'services'].flatMap(parent => directories(parent)), 'e2e', 'bench', 'infra']
  return found.map(directory => join(directory, 'package.json')).filter(file => existsSync(join(root, file)))
}

function isInstalled(stamp) {
  try {
    return readFileSync(stampFile, 'utf8').trim() === stamp
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false
    throw error
  }
}

async function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const command = `npx -y ${packageManager} install --frozen-lockfile`
  say(
    existsSync(modules)
      ? 'bringing the dependencies up to date …'
      : 'installing the dependencies and the runtime, once; this takes a minute or two …',
  )
  const started = Date.now()
  const { code, output } = await runQuietly('npx', ['-y', packageManager, 'install', '--frozen-lockfile'])
  if (code === 0) return say(`installed in ${Math.max(1, Math.round((Date.now() - started) / 1000))} s`)
  process.stderr.write(`${output.trimEnd().split('\n').slice(-40).join('\n')}\n`)
  throw new Sentence(`the install failed (${command}): ${whyInstallFailed(output)}`)
}

function whyInstallFailed(output) {
  if (/ENOSPC|no space left/i.test(output)) return 'no space is left on the disk; free about 1 GB, then try again'
  if (/OUTDATED_LOCKFILE|frozen-lockfile.*not up to date|lockfile is not up to date/i.test(output)) {
    return 'a package.json was changed without the lockfile; run the same command without --frozen-lockfile'
  }
  if (
    /ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|network|fetch failed|EHOSTUNREACH|META_FETCH_FAIL|\bE?40[34]\b/i.test(
      output,
    )
  ) {
    return 'the npm registry does not answer; check the network, the proxy, and the registry in npm config get registry, then try again'
  }
  if (/EACCES|EPERM|EROFS/.test(output))
    return `${root} cannot be written to by this user; change its owner, or use a clone of your own`
  return 'its output above says why'
}

/** Collects the output, which only a failure shows. */
function runQuietly(command, args) {
  return new Promise(done => {
    // CI: never ask. npx and pnpm would otherwise wait for an answer from a terminal that shows no question.
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CI: 'true' } })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        output += text
      })
    }
    child.once('error', error => done({ code: 1, output: `${command}: ${error.message}; npm, with npx, comes with Node` }))
    child.once('close', code => done({ code, output }))
  })
}

/** In the temporary directory and not in node_modules, which the install may replace. */
async function takeInstallLock() {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16)
  const lock = join(tmpdir(), `artifact-store-install-${process.getuid?.() ?? 0}-${name}.lock`)
  mkdirSync(tmpdir(), { recursive: true })
  for (let told = false; ; ) {
    try {
      const file = openSync(lock, 'wx', 0o600)
      writeSync(file, String(process.pid))
      closeSync(file)
      const release = () => rmSync(lock, { force: true })
      process.once('exit', release)
      return release
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (!(await isHeld(lock))) {
      rmSync(lock, { force: true })
      continue
    }
    if (!told) say('waiting for another start that is installing …')
    told = true
    await sleep(200)
  }
}

async function isHeld(lock) {
  // Its pid is written a moment after it is made, so an empty one is looked at twice.
  for (const wait of [0, 500]) {
    await sleep(wait)
    try {
      const pid = Number(readFileSync(lock, 'utf8'))
      if (pid > 0) return process.kill(pid, 0)
    } catch (error) {
      if (error.code === 'ESRCH' || error.code === 'ENOENT') return false
      if (error.code === 'EPERM') return true
      throw error
    }
  }
  return false
}

/** The Node that the install brought, else the one that runs this, if it is new enough. */
function findRuntime() {
  const shipped = join(modules, '.bin', 'node')
  if (existsSync(shipped)) return shipped
  if (Number(process.versions.node.split('.')[0]) >= neededMajor) return process.execPath
  throw new Sentence(
    `Node ${neededMajor} is needed, this is ${process.versions.node}, and none is shipped for ${process.platform}-${process.arch}: install Node ${neededMajor}, then try again`,
  )
}

/** Waits for the child and passes on the signals that reach only us. */
function follow(child) {
  const forward = signal => {
    // In a terminal Ctrl-C reaches the child by itself; a second SIGINT would mean "at once" to it.
    if (signal === 'SIGINT' && process.stdin.isTTY) return
    child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, forward)
  const watch = watchNpm(() => child.kill('SIGTERM'))
  return new Promise((done, fail) => {
    child.once('error', error =>
      fail(new Sentence(`${child.spawnfile} cannot be run (${error.message}): remove node_modules, then try again`)),
    )
    child.once('exit', (code, signal) => {
      clearInterval(watch)
      for (const name of signals) process.off(name, forward)
      if (signal !== null) process.kill(process.pid, signal)
      done(code ?? 1)
    })
  })
}

/** npm hands a signal to the shell between us and it, which dies of it and tells nobody; and npm itself may be killed. Either
 * way our parent changes. */
function watchNpm(parentGone) {
  const parent = process.ppid
  if (process.env.npm_lifecycle_event === undefined) return undefined
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    parentGone()
  }, 500)
  return watch
}

function say(sentence) {
  process.stderr.write(`artifact-store: ${sentence}\n`)
}

const [, self, script, ...args] = process.argv
if (self !== undefined && existsSync(self) && realpathSync(self) === realpathSync(fileURLToPath(import.meta.url))) {
  if (script === undefined) {
    say('usage: node scripts/with-runtime.mjs <script.ts> [arguments]')
    process.exitCode = 1
  } else await main(script, args)
}

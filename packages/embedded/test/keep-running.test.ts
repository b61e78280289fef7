import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { keepRunning } from '../src/keep-running.ts'
import { prefixLine } from '../src/line-prefix.ts'
import { freePort } from '../src/ports.ts'
import { commandLine, eventually } from '../src/process-table.ts'
import { runOnce, startService, waitUntilReady } from '../src/service-process.ts'
import { sourceUrl, startScript } from './script-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** A child that says that it is there and stops on SIGTERM; `ARTIFACT_STORE_PARENT` as the services take it. */
const obedient = `
  process.on('SIGTERM', () => { console.log('stopping'); process.exit(0) })
  process.stdin.on('end', () => process.exit(0)).resume()
  console.error('on stderr too')
  console.log('here')
  setInterval(() => {}, 1000)`

async function script(directory: string, source: string): Promise<string> {
  const path = join(directory, 'main.mjs')
  await writeFile(path, source)
  return path
}

const gone = (pid: number) => eventually(async () => (await commandLine(pid)) === undefined, 20_000)

it('starts a child again when it was killed, and says so', async () => {
  await using directory = await temporaryDirectory()
  const path = await script(directory.path, obedient)
  const lines: string[] = []
  const pids: number[] = []
  const log = (line: string) => lines.push(line)
  const start = async () => startService({ script: path, env: {}, log })
  const kept = await keepRunning(start, { say: log, onStart: ({ pid }) => pids.push(pid) })
  await eventually(async () => lines.includes('here'), 20_000)
  process.kill(pids[0] ?? 0, 'SIGKILL')
  await eventually(async () => lines.filter(line => line === 'here').length === 2, 20_000)
  await kept.stop()
  expect(lines.filter(line => line !== 'on stderr too')).toEqual([
    'here',
    'ended by itself (signal SIGKILL); starting it again in 0.1 s',
    'here',
    'stopping',
  ])
  expect([pids.length, kept.deaths()]).toEqual([2, 1])
  for (const pid of pids) expect(await gone(pid)).toBe(true)
})

it('waits longer each time that it ends at once, and stops trying when it is stopped', async () => {
  await using directory = await temporaryDirectory()
  const path = await script(directory.path, 'process.exit(3)')
  const said: string[] = []
  const kept = await keepRunning(async () => startService({ script: path, env: {}, log: () => {} }), {
    say: line => said.push(line),
  })
  await eventually(async () => said.length === 3, 20_000)
  await kept.stop()
  expect(said).toEqual([0.1, 0.2, 0.4].map(s => `ended by itself (exit code 3); starting it again in ${s} s`))
})

it('tries again when a later start fails', async () => {
  await using directory = await temporaryDirectory()
  const path = await script(directory.path, obedient)
  const said: string[] = []
  let starts = 0
  const start = async () => {
    if (++starts === 2) throw new Error('the port is taken')
    return startService({ script: path, env: {}, log: () => {} })
  }
  await using kept = await keepRunning(start, { say: line => said.push(line) })
  await kept.current().kill()
  await eventually(async () => starts === 3, 20_000)
  expect(said).toEqual([
    'ended by itself (signal SIGKILL); starting it again in 0.1 s',
    'could not be started: the port is taken',
  ])
})

it('kills at once what does not stop, when told to', async () => {
  await using directory = await temporaryDirectory()
  const path = await script(
    directory.path,
    `process.on('SIGTERM', () => console.log('no')); console.log('here'); setInterval(() => {}, 1000)`,
  )
  const killing = new AbortController()
  const lines: string[] = []
  const log = (line: string) => lines.push(line)
  const kept = await keepRunning(async () => startService({ script: path, env: {}, log }), { say: log, kill: killing.signal })
  await eventually(async () => lines.includes('here'), 20_000)
  const stopped = kept.stop()
  await eventually(async () => lines.includes('no'), 20_000)
  killing.abort()
  await stopped
  expect(await kept.current().exited).toMatchObject({ signal: 'SIGKILL' })
})

it('lets a child know when the supervisor was killed with -9', async () => {
  await using directory = await temporaryDirectory()
  const path = await script(directory.path, obedient)
  const supervisor = startScript(`
    import { startService } from ${JSON.stringify(sourceUrl('service-process.ts'))}
    const { pid } = startService({ script: ${JSON.stringify(path)}, env: {}, log: line => line === 'here' && console.log(pid) })`)
  const pid = Number(await supervisor.nextLine())
  expect(await commandLine(pid)).toContain(path)
  await supervisor.kill9()
  expect(await gone(pid)).toBe(true)
})

it('gives a child only the environment that it is meant to have', async () => {
  await using directory = await temporaryDirectory()
  const file = join(directory.path, 'environment.json')
  const path = await script(
    directory.path,
    `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(file)}, JSON.stringify(process.env))`,
  )
  await runOnce('the script', { script: path, env: { PORT: '1' }, log: () => {} }, new AbortController().signal)
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ MALLOC_ARENA_MAX: '1', PORT: '1', ARTIFACT_STORE_PARENT: 'stdin' })
})

it('says that a step failed and where to look', async () => {
  await using directory = await temporaryDirectory()
  const path = await script(directory.path, 'process.exit(9)')
  await expect(runOnce('the migration', { script: path, env: {}, log: () => {} }, new AbortController().signal)).rejects.toThrow(
    'the migration failed (exit code 9): its lines above say why',
  )
})

it('gives up on a service that ends five times before it is ready', async () => {
  await using directory = await temporaryDirectory()
  const path = await script(directory.path, 'process.exit(3)')
  await using kept = await keepRunning(async () => startService({ script: path, env: {}, log: () => {} }), { say: () => {} })
  await expect(
    waitUntilReady('gateway', `http://127.0.0.1:${await freePort()}`, kept, new AbortController().signal),
  ).rejects.toMatchObject({
    kind: 'backend-unavailable',
    message: 'gateway ended 5 times before it was ready: its lines above say why',
  })
})

it('aligns the lines of all processes behind their names', () => {
  expect([prefixLine('gateway', 'a'), prefixLine('log-writer', 'b'), prefixLine('supervisor', 'c')]).toEqual([
    'gateway    | a',
    'log-writer | b',
    'supervisor | c',
  ])
})

import { once } from 'node:events'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { cliJson, runCli } from '../src/cli.ts'
import { factsOf, readTree } from '../src/file-tree.ts'
import { generatedBytes } from '../src/generated-bytes.ts'
import { followServerSentEvents, readEventPages } from '../src/http-events.ts'
import { type LauncherOptions, LauncherProcess } from '../src/launcher-process.ts'
import { layOutMixedFiles } from '../src/mixed-files.ts'
import { send, stillRunning } from '../src/processes.ts'
import { startStore } from '../src/running-store.ts'
import { seededRandom } from '../src/seeded-random.ts'
import { smallDisk } from '../src/small-disk.ts'
import { temporaryDirectory } from '../src/temporary-directory.ts'

const mebibyte = 1024 * 1024

it('keeps a token that only its owner may read, and refuses a second copy, which does the first no harm', async () => {
  await using scratch = await temporaryDirectory()
  const dataDirectory = join(scratch.path, 'data')
  await using store = await startStore({ dataDirectory })
  expect((await stat(join(dataDirectory, 'admin-token'))).mode & 0o777).toBe(0o600)
  expect((await stat(dataDirectory)).mode & 0o777).toBe(0o700)

  expect(await whyNot({ dataDirectory, besideAnother: true })).toBe(
    `artifact-store: artifact-store is already running on ${dataDirectory} (process ${store.launcher.pid}): use that one, stop it first, or set ARTIFACT_STORE_DATA to another directory`,
  )
  // The command line finds the kept token by the data directory alone.
  const { code, stderr } = await runCli({ url: store.url, token: '' }, ['ls'], { ARTIFACT_STORE_DATA: dataDirectory })
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'artifact: there are no such packages\n' })
})

it('takes over what runs on when only the launcher was killed, and leaves nothing behind after Ctrl-C on npm start', async () => {
  await using scratch = await temporaryDirectory()
  const dataDirectory = join(scratch.path, 'data')
  await using first = await startStore({ dataDirectory })
  using client = first.client()
  const { id } = await client.packages.create({ name: 'ci/orphans', kind: 'evidence' })
  const orphans = (await first.launcher.processes()).filter(({ pid }) => pid !== first.launcher.pid)
  send(first.launcher.pid, 'SIGKILL')
  await first.launcher.exited

  await using second = await startStore({ dataDirectory, command: ['npm', 'start'] })
  expect(await stillRunning(orphans)).toEqual([])
  expect(await cliJson(second, ['show', id])).toMatchObject({ id, state: 'open' })
  const all = await second.launcher.processes()
  expect(all.length).toBeGreaterThan(6)
  await second.launcher.interrupt()
  await expect.poll(() => stillRunning(all), { timeout: 30_000 }).toEqual([])
  expect(second.launcher.lines.findLast(line => line.startsWith('supervisor'))).toMatch(/stopped$/)
})

it('takes a token that it is given and keeps it nowhere; without NATS it says where wake-ups come from, and all works', async () => {
  await using scratch = await temporaryDirectory()
  const dataDirectory = join(scratch.path, 'data')
  const token = 'a-token-of-my-own-0123456789'
  await using store = await startStore({ dataDirectory, env: { ARTIFACT_STORE_TOKEN: token, ARTIFACT_STORE_NATS: 'off' } })
  expect(store.token).toBe(token)
  expect(store.launcher.lines).toContain('NATS is off: wake-ups come from PostgreSQL')
  expect(await readdir(dataDirectory)).not.toEqual(expect.arrayContaining([expect.stringMatching(/admin-token|nats/)]))
  expect((await store.launcher.processes()).filter(({ command }) => command.includes('nats-server'))).toEqual([])

  await using follower = followServerSentEvents(store)
  const source = join(scratch.path, 'source')
  await layOutMixedFiles(source, { seed: 'without nats', count: 50, random: seededRandom(1) })
  const pushed = await cliJson(store, ['push', source, '--name', 'ci/without-nats', '--kind', 'evidence'])
  const { id } = z.looseObject({ id: z.string() }).parse(pushed)
  await cliJson(store, ['pull', id, join(scratch.path, 'pulled')])
  expect(await readTree(join(scratch.path, 'pulled'))).toEqual(await readTree(source))
  const events = await readEventPages(store)
  expect(events.at(-1)).toMatchObject({ type: 'v1.package.finalized', subject: `package/${id}` })
  expect(await follower.upTo(events.length)).toEqual(events)

  const all = await store.launcher.processes()
  expect(await store.launcher.interrupt()).toEqual({ code: 0, signal: null })
  expect(await stillRunning(all)).toEqual([])
})

it('goes on when the disk is full: refuses what does not fit, keeps nothing of it, and takes what does', async () => {
  await using scratch = await temporaryDirectory()
  await using disk = await smallDisk(join(scratch.path, 'disk'), { mebibytes: 220, largestFile: 100 * mebibyte })
  const dataDirectory = join(disk.path, 'data')
  await using store = await startStore({ dataDirectory, through: disk.through })
  using client = store.client()
  const { id } = await client.packages.create({ name: 'ci/full-disk', kind: 'evidence' })
  const before = await readEventPages(store)

  const size = 300 * mebibyte
  const tooMuch = client.files.put(id, 'large.bin', { body: () => asStream(generatedBytes('too much', size)), size })
  await expect(tooMuch).rejects.toMatchObject({ kind: 'storage-full', message: /no room left/, details: { status: 507 } })
  expect(await readEventPages(store)).toEqual(before)
  expect(await readdir(join(dataDirectory, 'blobs', 'staging'))).toEqual([])

  const small = Buffer.concat([...generatedBytes('enough', 5 * mebibyte)])
  const { blake3, sha256 } = await factsOf([small])
  expect(await client.files.put(id, 'small.bin', { body: small })).toMatchObject({ digest: blake3, sha256 })
  expect(await client.packages.finalize(id)).toMatchObject({ fileCount: 1 })
  await store.launcher.kill9()
})

describe('when it cannot start, it says why and what to do, ends with 1 and leaves nothing running:', () => {
  it('the port is taken', async () => {
    await using scratch = await temporaryDirectory()
    await using server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const env = { ARTIFACT_STORE_PORT: String(port) }
    expect(await whyNot({ dataDirectory: join(scratch.path, 'data'), env })).toBe(
      `artifact-store: port ${port} is in use on 127.0.0.1: stop what listens there, or set ARTIFACT_STORE_PORT to another port`,
    )
  })

  it('the data directory cannot be written, not even by root', async () => {
    const dataDirectory = process.platform === 'linux' ? '/proc/artifact-store' : '/dev/artifact-store'
    expect(await whyNot({ dataDirectory })).toMatch(
      /^artifact-store: \/\w+\/artifact-store cannot be .*set ARTIFACT_STORE_DATA to another/,
    )
  })

  it('the data directory is a file', async () => {
    await using scratch = await temporaryDirectory()
    const dataDirectory = join(scratch.path, 'data')
    await writeFile(dataDirectory, 'mine')
    expect(await whyNot({ dataDirectory })).toMatch(/cannot be a data directory.*set ARTIFACT_STORE_DATA to another/)
  })

  it('the disk is full', async () => {
    await using scratch = await temporaryDirectory()
    await using disk = await smallDisk(join(scratch.path, 'disk'), { mebibytes: 40, largestFile: 32 * 1024 })
    expect(await whyNot({ dataDirectory: join(disk.path, 'data'), through: disk.through })).toMatch(
      /^artifact-store: (only \d+ MB are free|no space is left) in .*: free some there, or set ARTIFACT_STORE_DATA to another directory$/,
    )
  })

  it('the configuration is wrong, every mistake of it named', async () => {
    await using scratch = await temporaryDirectory()
    const env = { ARTIFACT_STORE_PORT: '99999', ARTIFACT_STORE_TOKEN: 'short', ARTIFACT_STORE_NATS: 'maybe' }
    expect(await whyNot({ dataDirectory: join(scratch.path, 'data'), env })).toMatch(
      /^artifact-store: the configuration is wrong: .*ARTIFACT_STORE_PORT .*ARTIFACT_STORE_TOKEN .*ARTIFACT_STORE_NATS /,
    )
  })
})

/** Its one sentence, when it ends as it should when it cannot start. */
async function whyNot(options: LauncherOptions): Promise<string> {
  await using launcher = new LauncherProcess(options)
  expect(await launcher.exited).toEqual({ code: 1, signal: null })
  expect(launcher.complaints).toHaveLength(1)
  expect(await launcher.processes()).toEqual([])
  return launcher.complaints[0] ?? ''
}

async function* asStream(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks
}

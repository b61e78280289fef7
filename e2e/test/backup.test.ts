import { chmod, cp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { smallBlobBytes } from '@artifact-store/blobs'
import { type ArtifactStoreClient, pull, push } from '@artifact-store/client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runBackup, startBackup } from '../src/backup-process.ts'
import { runCli } from '../src/cli.ts'
import { chooseSeed } from '../src/environment.ts'
import { readTree } from '../src/file-tree.ts'
import { layOutMixedFiles } from '../src/mixed-files.ts'
import { type RunningStore, startStore } from '../src/running-store.ts'
import { seededRandom } from '../src/seeded-random.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../src/temporary-directory.ts'

const seed = chooseSeed()
const opened = new AsyncDisposableStack()
let scratch: TemporaryDirectory
let store: RunningStore
let client: ArtifactStoreClient
let source: string
let backups: string
/** Every package whose push was answered, in that order, with the directory that it is of. */
const pushed: { readonly id: string; readonly directory: string }[] = []

beforeAll(async () => {
  scratch = opened.use(await temporaryDirectory())
  source = join(scratch.path, 'source')
  backups = join(scratch.path, 'backups')
  await layOutMixedFiles(source, { seed: `${seed} backup`, count: 60, random: seededRandom(seed) })
  store = opened.use(await startStore({ dataDirectory: join(scratch.path, 'data') }))
  client = opened.use(store.client())
})
afterAll(() => opened.disposeAsync())

it('brings back, elsewhere, all that was acknowledged before a backup that was made while others wrote', async () => {
  await pushOne('before')
  const before = [...pushed]
  const writers = new AbortController()
  const writing = writeUntil(writers.signal)
  const first = await runBackup('backup', backups, store.launcher.dataDirectory)
  expect(first).toMatchObject({ code: 0 })
  const between = [...pushed]
  // The second has all that the first has, and copies no byte of it again.
  const second = await runBackup('backup', backups, store.launcher.dataDirectory)
  expect(second).toMatchObject({ code: 0 })
  writers.abort()
  await writing
  expect(between.length).toBeGreaterThan(before.length)
  expect(await readdir(backups)).toEqual(
    expect.arrayContaining([first.stdout, second.stdout].map(path => path.slice(backups.length + 1))),
  )
  await store.launcher.kill9()

  const elsewhere = join(scratch.path, 'restored')
  expect(await runBackup('restore', backups, elsewhere)).toMatchObject({ code: 0, stdout: elsewhere })
  await using restored = await startStore({ dataDirectory: elsewhere })
  expect(restored.token).toBe(store.token)
  const checked = await runCli(restored, ['admin', 'check', '--bytes'])
  expect(checked, checked.stdout).toMatchObject({ code: 0 })
  using reader = restored.client()
  for (const [i, { id, directory }] of between.entries()) {
    const target = join(scratch.path, `pulled-${i}`)
    await pull(reader, id, target)
    expect(await readTree(target)).toEqual(await readTree(directory))
  }
  // It goes on from there, with numbers and a stream of its own.
  await push(reader, source, { name: 'ci/after', kind: 'evidence' })
})

it('makes a backup of a store that was killed and does not run, and says what is damaged in it', async () => {
  const data = store.launcher.dataDirectory
  const blobs = join(data, 'blobs', 'blobs', 'blake3')
  // The journal of those that are small puts back what was damaged of them.
  const path = await firstLargeFile(blobs)
  await chmod(path, 0o644)
  await writeFile(path, 'other bytes')
  const blob = basename(path)
  const damaged = await runBackup('backup', join(scratch.path, 'damaged'), data)
  expect(damaged).toMatchObject({ code: 1, stderr: expect.stringContaining('no store runs there') })
  expect(damaged.stderr).toContain(`blake3:${blob} is damaged`)
  const elsewhere = join(scratch.path, 'restored-damaged')
  expect(await runBackup('restore', join(scratch.path, 'damaged'), elsewhere)).toMatchObject({ code: 0 })
  await using restored = await startStore({ dataDirectory: elsewhere })
  const checked = await runCli(restored, ['admin', 'check'])
  expect(checked).toMatchObject({ code: 1, stdout: expect.stringContaining(`blobs: blake3:${blob}: its bytes are missing`) })
})

it('never takes a backup whose making was killed for a whole one', async () => {
  const target = join(scratch.path, 'interrupted')
  const data = store.launcher.dataDirectory
  const interrupted = startBackup('backup', target, data)
  await interrupted.said(/the bytes follow/)
  interrupted.child.kill('SIGKILL')
  await interrupted.ended
  const names = await readdir(target)
  const unfinished = names.find(name => name.startsWith('unfinished-')) ?? ''
  const elsewhere = join(scratch.path, 'never')
  for (const [from, sentence] of [
    [target, `there is no whole backup in ${target}: the making of ${unfinished} was interrupted`],
    [join(target, unfinished), 'is no whole backup: its making was interrupted'],
    [join(scratch.path, 'nowhere'), 'there is no directory'],
    [source, 'there is no backup in'],
  ]) {
    expect(await runBackup('restore', from ?? '', elsewhere)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(sentence ?? ''),
    })
  }
  expect((await readdir(scratch.path)).filter(name => name.includes('never'))).toEqual([])

  // The next one clears it away, and what it had copied of the bytes is not copied again.
  expect(await runBackup('backup', target, data)).toMatchObject({ code: expect.any(Number) })
  expect((await readdir(target)).filter(name => name.startsWith('unfinished-'))).toEqual([])
})

it('restores into nothing but an empty directory, and nothing that is not what was copied', async () => {
  const taken = await runBackup('restore', backups, source)
  expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining(`${source} is not empty`) })
  const spoilt = join(scratch.path, 'spoilt')
  await cp(backups, spoilt, { recursive: true })
  const [name = ''] = (await readdir(spoilt)).filter(entry => entry.startsWith('20'))
  await rm(join(spoilt, name), { recursive: true })
  const [other = ''] = (await readdir(spoilt)).filter(entry => entry.startsWith('20'))
  await writeFile(join(spoilt, other, 'database', 'PG_VERSION'), '19\n')
  const elsewhere = join(scratch.path, 'from-spoilt')
  expect(await runBackup('restore', spoilt, elsewhere)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('PG_VERSION is not what it was when the backup was made'),
  })
  expect((await readdir(scratch.path)).filter(entry => entry.includes('from-spoilt'))).toEqual([])
})

async function firstLargeFile(directory: string): Promise<string> {
  for (const name of await readdir(directory, { recursive: true })) {
    const found = await stat(join(directory, name))
    if (found.isFile() && found.size > smallBlobBytes) return join(directory, name)
  }
  throw new Error(`no file below ${directory} is large`)
}

async function pushOne(name: string): Promise<void> {
  const { id } = await push(client, source, { name: `ci/${name}`, kind: 'evidence' })
  pushed.push({ id, directory: source })
}

/** Pushes one small new directory after the other. */
async function writeUntil(signal: AbortSignal): Promise<void> {
  for (let i = 0; !signal.aborted; i += 1) {
    const directory = join(scratch.path, `written-${i}`)
    await layOutMixedFiles(directory, { seed: `${seed} ${i}`, count: 5, random: seededRandom(seed + i) })
    const { id } = await push(client, directory, { name: 'ci/meanwhile', kind: 'evidence' })
    pushed.push({ id, directory })
  }
}

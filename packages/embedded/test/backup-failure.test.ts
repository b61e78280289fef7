import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeBackup } from '../src/backup/backup.ts'
import { backupFailure } from '../src/backup/failure.ts'
import { openDataDirectory } from '../src/data-directory.ts'
import { lockDirectory } from '../src/instance-lock.ts'
import { openSecrets } from '../src/secrets.ts'
import { temporaryDirectory } from './temporary-directory.ts'

it('says in a sentence what keeps a backup from being made', () => {
  for (const [code, kind, sentence] of [
    ['ENOSPC', 'storage-full', 'no space is left at /backups/x: free some'],
    ['EACCES', 'configuration', 'this user may not read or write at /backups/x'],
    ['ECONNRESET', 'backend-unavailable', 'the database of the store does not answer, or went away meanwhile'],
  ]) {
    const error = Object.assign(new Error(`${code}: it failed`), { code, path: '/backups/x' })
    expect(backupFailure(error)).toMatchObject({ kind, message: expect.stringContaining(sentence ?? ''), cause: error })
  }
  const foreseenByNobody = new TypeError('x is not a function')
  expect(backupFailure(foreseenByNobody)).toBe(foreseenByNobody)
})

it('is not made within the store itself, of no store, nor of one that is still starting', async () => {
  await using scratch = await temporaryDirectory()
  const data = join(scratch.path, 'data')
  const options = {
    dataDirectory: data,
    target: join(scratch.path, 'backups'),
    signal: new AbortController().signal,
    say: () => undefined,
  }
  await expect(makeBackup(options)).rejects.toMatchObject({
    kind: 'configuration',
    message: expect.stringContaining(`there is no store in ${data}`),
  })
  await mkdir(join(data, 'postgres'), { recursive: true })
  await expect(makeBackup({ ...options, target: join(data, 'backups') })).rejects.toMatchObject({
    kind: 'configuration',
    message: expect.stringContaining('lies in the data directory'),
  })
  await expect(makeBackup(options)).rejects.toMatchObject({ message: expect.stringContaining('there is no secrets.json') })
  const opened = await openDataDirectory(data)
  await openSecrets(opened)
  await using _running = await lockDirectory(opened.path, opened.lock)
  await expect(makeBackup(options)).rejects.toMatchObject({
    kind: 'backend-unavailable',
    message: expect.stringContaining('is still starting'),
  })
  // Ports of a run before that nobody listens on.
  await writeFile(join(data, 'ports.json'), '{"postgres":1}')
  const failure = await makeBackup(options).catch(backupFailure)
  expect(failure).toMatchObject({ kind: 'backend-unavailable', message: expect.stringContaining('does not answer') })
})

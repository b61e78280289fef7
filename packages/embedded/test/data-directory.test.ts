import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dataDirectoryError, openDataDirectory } from '../src/data-directory.ts'
import { readLastPorts, writeLastPorts } from '../src/last-ports.ts'
import { openAdminToken, openSecrets } from '../src/secrets.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

it('is made for its owner only, with every secret in a file of mode 0600', async () => {
  await using directory = await temporaryDirectory()
  const data = await openDataDirectory(join(directory.path, 'new', 'data'))
  await openSecrets(data)
  await openAdminToken(data, undefined)
  expect(await modeOf(data.path)).toBe(0o700)
  expect(await modeOf(data.secrets)).toBe(0o600)
  expect(await modeOf(data.adminToken)).toBe(0o600)
})

it('makes the secrets and the token once and finds them again', async () => {
  await using directory = await temporaryDirectory()
  const data = await openDataDirectory(directory.path)
  const [secrets, { token }] = [await openSecrets(data), await openAdminToken(data, undefined)]
  expect(token).toMatch(/^ast_[A-Za-z0-9_-]{43}$/)
  expect(await openSecrets(await openDataDirectory(directory.path))).toEqual(secrets)
  expect(await openAdminToken(data, undefined)).toEqual({ token, source: `kept in ${data.adminToken}` })
})

it('takes a token that is given and keeps it nowhere', async () => {
  await using directory = await temporaryDirectory()
  const data = await openDataDirectory(directory.path)
  expect(await openAdminToken(data, 'given-by-the-person')).toEqual({
    token: 'given-by-the-person',
    source: 'from ARTIFACT_STORE_TOKEN',
  })
  await expect(stat(data.adminToken)).rejects.toMatchObject({ code: 'ENOENT' })
})

it('remembers ports, and forgets them rather than fail when the file is damaged', async () => {
  await using directory = await temporaryDirectory()
  const data = await openDataDirectory(directory.path)
  expect(await readLastPorts(data)).toEqual({})
  await writeLastPorts(data, { postgres: 40_001, nats: undefined })
  expect(await readLastPorts(data)).toEqual({ postgres: 40_001 })
  await writeFile(data.ports, '{"postgres":')
  expect(await readLastPorts(data)).toEqual({})
})

describe('says in a sentence what is wrong', () => {
  it('when a part of the path is a file', async () => {
    await using directory = await temporaryDirectory()
    await writeFile(join(directory.path, 'file'), '')
    const path = join(directory.path, 'file', 'data')
    await expect(openDataDirectory(path)).rejects.toMatchObject({
      kind: 'configuration',
      message: new RegExp(`^${path} cannot be a data directory`),
    })
  })

  it('when the secrets are damaged, and does not make others that the database would not know', async () => {
    await using directory = await temporaryDirectory()
    const data = await openDataDirectory(directory.path)
    await writeFile(data.secrets, '{"postgres": "x"}')
    await expect(openSecrets(data)).rejects.toMatchObject({ kind: 'configuration', message: /is damaged/ })
    expect(await readFile(data.secrets, 'utf8')).toBe('{"postgres": "x"}')
  })

  it('when the disk is full or may not be written, but not when the error is about another place', async () => {
    const failure = (code: string, path?: string) => Object.assign(new Error(code), { code }, path === undefined ? {} : { path })
    expect(dataDirectoryError('/data', failure('ENOSPC'))).toMatchObject({
      kind: 'storage-full',
      message: /^no space is left in \/data/,
    })
    expect(dataDirectoryError('/data', failure('EROFS', '/data/x'))).toMatchObject({
      kind: 'configuration',
      message: /^\/data cannot be written/,
    })
    expect(dataDirectoryError('/data', failure('EACCES', '/elsewhere'))).toBeUndefined()
  })

  it('when the directory cannot be written even by root, as /proc cannot', async () => {
    await expect(openDataDirectory('/proc/artifact-store')).rejects.toMatchObject({
      kind: 'configuration',
      message: /ARTIFACT_STORE_DATA/,
    })
  })
})

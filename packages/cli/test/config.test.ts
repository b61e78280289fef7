import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { findConnection } from '../src/config.ts'

it('the command line wins over the environment, and that over the store of this machine', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'config-'))
  await writeFile(join(directory.path, 'admin-token'), 'kept\n')
  const kept = { ARTIFACT_STORE_DATA: directory.path }
  const environment = { ...kept, ARTIFACT_STORE_URL: 'http://store.example', ARTIFACT_STORE_TOKEN: 'set' }
  expect(findConnection({}, kept)).toEqual({ url: 'http://127.0.0.1:8080', token: 'kept' })
  expect(findConnection({}, environment)).toEqual({ url: 'http://store.example', token: 'set' })
  expect(findConnection({ url: 'http://localhost:1', token: 'given' }, environment)).toEqual({
    url: 'http://localhost:1',
    token: 'given',
  })
})

it('the token that this machine keeps never goes to another one', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'config-'))
  await writeFile(join(directory.path, 'admin-token'), 'kept\n')
  const environment = { ARTIFACT_STORE_DATA: directory.path }
  expect(findConnection({ url: 'http://[::1]:8080' }, environment).token).toBe('kept')
  for (const url of ['http://store.example', 'http://127.0.0.1.example', 'http://localhost.example:8080']) {
    expect(() => findConnection({ url }, environment)).toThrow(`no token for ${url}`)
  }
})

it('without a token it says where one was looked for', () => {
  expect(() => findConnection({}, { ARTIFACT_STORE_DATA: '/nowhere/at/all', ARTIFACT_STORE_TOKEN: '' })).toThrow(
    '/nowhere/at/all/admin-token',
  )
})

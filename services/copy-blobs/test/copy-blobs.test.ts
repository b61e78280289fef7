import { spawn } from 'node:child_process'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { checkedBlobStore, openBlobStore } from '@artifact-store/blobs'
import { expect, it } from 'vitest'

async function copy(settings: Readonly<Record<string, string>>): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'src', 'main.ts')], {
    env: settings,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  return { out: await text(child.stdout), code: await ended }
}

it('copies what the other store does not have, and ends with 0', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'copy-'))
  const [from, to] = [`fs://${directory.path}/from`, `fs://${directory.path}/to`]
  const stored = await (async () => {
    await using store = checkedBlobStore(await openBlobStore(from))
    return store.putBytes(Buffer.from('precious bytes'))
  })()
  expect(await copy({ COPY_FROM: from, COPY_TO: to })).toMatchObject({ code: 0, out: expect.stringContaining('"copied":1') })
  expect(await copy({ COPY_FROM: from, COPY_TO: to })).toMatchObject({ code: 0, out: expect.stringContaining('"copied":0') })
  await using store = checkedBlobStore(await openBlobStore(to))
  expect(await store.check(stored.digest)).toMatchObject({ kind: 'intact' })
})

it('says all that is wrong with its settings at once', async () => {
  const { code, out } = await copy({ COPY_FROM: 'ftp://x', COPY_TO: '' })
  expect(code).toBe(1)
  expect(out).toContain('there is no blob store of the kind')
  expect(out).toContain('COPY_TO: is missing')
  expect((await copy({ COPY_FROM: 'fs:///x', COPY_TO: 'fs:///x' })).out).toContain('COPY_TO: is the same as COPY_FROM')
})

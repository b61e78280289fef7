import { appendFileSync } from 'node:fs'
import { appendFile, mkdtempDisposable, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashBytes } from '@artifact-store/blobs'
import { parseArtifactPath } from '@artifact-store/core'
import { expect, it } from 'vitest'
import { hashFile, readHashedFile } from '../src/push/hash-file.ts'

const options = { signal: new AbortController().signal, onBytes: () => {} }

async function withFile(
  bytes: Buffer,
  check: (file: { path: ReturnType<typeof parseArtifactPath>; location: string }) => Promise<void>,
): Promise<void> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'hash-file-'))
  const location = join(directory.path, 'file')
  await writeFile(location, bytes)
  await check({ path: parseArtifactPath('file'), location })
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const read: Uint8Array[] = []
  for await (const chunk of chunks) read.push(chunk)
  return Buffer.concat(read)
}

it.each([0, 1, 1000, 256 * 1024, 256 * 1024 + 1, 3 * 1024 * 1024 + 7])(
  'names a file of %i bytes as its bytes are named, and reads it again',
  async size => {
    const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7) % 251))
    await withFile(bytes, async file => {
      const hashed = await hashFile(file, options)
      expect(hashed).toMatchObject(await hashBytes(bytes))
      expect(bytes.equals(await readAll(readHashedFile(hashed)))).toBe(true)
    })
  },
)

it('a file that grows, is rewritten or is replaced after it was hashed is not sent', async () => {
  const changes: ((location: string) => Promise<void>)[] = [
    location => appendFile(location, 'more'),
    location => writeFile(location, 'other'),
    async location => {
      await writeFile(`${location}-new`, 'bytes')
      await rename(`${location}-new`, location)
    },
  ]
  for (const change of changes) {
    await withFile(Buffer.from('bytes'), async file => {
      const hashed = await hashFile(file, options)
      await change(file.location)
      await expect(readAll(readHashedFile(hashed))).rejects.toMatchObject({ kind: 'digest-mismatch', details: { path: 'file' } })
    })
  }
})

it('a file that is written to while it is hashed is refused', async () => {
  await withFile(Buffer.alloc(4 * 1024 * 1024), async file => {
    let isWritten = false
    const onBytes = () => {
      if (!isWritten) appendFileSync(file.location, 'more')
      isWritten = true
    }
    await expect(hashFile(file, { ...options, onBytes })).rejects.toMatchObject({ kind: 'digest-mismatch' })
  })
})

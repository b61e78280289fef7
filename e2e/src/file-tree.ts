import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { createBLAKE3 } from 'hash-wasm'

/** What a file is, computed here with other code than the store's. */
export interface FileFacts {
  readonly size: number
  readonly sha256: string
  readonly blake3: string
}

/** All files below a directory by their path, with `/` between segments, in the order of the paths' bytes. */
export async function readTree(directory: string): Promise<Map<string, FileFacts>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries.filter(entry => entry.isFile()).map(entry => relative(directory, join(entry.parentPath, entry.name)))
  const sorted = paths.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const tree = new Map<string, FileFacts>()
  for (const path of sorted)
    tree.set(path.split(sep).join('/'), await factsOf(createReadStream(join(directory, path), { highWaterMark: 1024 * 1024 })))
  return tree
}

/** Of bytes that come in pieces. */
export async function factsOf(bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<FileFacts> {
  const [blake3, sha256] = [(await createBLAKE3()).init(), createHash('sha256')]
  let size = 0
  for await (const chunk of bytes) {
    blake3.update(chunk)
    sha256.update(chunk)
    size += chunk.length
  }
  return { size, sha256: `sha256:${sha256.digest('hex')}`, blake3: `blake3:${blake3.digest('hex')}` }
}

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestHex } from '@artifact-store/core'
import type { BlobEntry } from '../blob-store.ts'
import { type BlobLayout, digestOfFile, isShardName } from '../layout.ts'
import { onDisk, unlessMissing } from './on-disk.ts'

/** Every blob after `after`, in the order of the hex digits. Memory is one shard, and shards before the first are not read. */
export async function* walkShards(
  { blobs }: BlobLayout,
  after: Digest | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<BlobEntry, void, void> {
  const from = after === undefined ? '' : digestHex(after)
  for (const first of await shardNames(blobs)) {
    if (first < from.slice(0, 2)) continue
    for (const second of await shardNames(join(blobs, first))) {
      if (first + second < from.slice(0, 4)) continue
      signal?.throwIfAborted()
      for (const entry of await entriesOf(join(blobs, first, second))) {
        signal?.throwIfAborted()
        if (digestHex(entry.digest) > from) yield entry
      }
    }
  }
}

async function shardNames(directory: string): Promise<readonly string[]> {
  const names = (await onDisk('list', directory, unlessMissing(readdir(directory)))) ?? []
  return names.filter(isShardName).sort()
}

async function entriesOf(shard: string): Promise<readonly BlobEntry[]> {
  const names = (await onDisk('list', shard, unlessMissing(readdir(shard)))) ?? []
  const entries = await Promise.all(
    names.sort().map(async name => {
      const digest = digestOfFile(name)
      const found = digest && (await onDisk('look at', join(shard, name), unlessMissing(stat(join(shard, name)))))
      return digest && found ? [{ digest, size: found.size }] : []
    }),
  )
  return entries.flat()
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Digest } from '@artifact-store/core'
import { type BlobLayout, blobPath, shardOf } from '../layout.ts'
import { syncDirectory } from './durable-directory.ts'
import { onDisk, unlessMissing } from './on-disk.ts'

/** From so many blobs on, flushing the whole file system costs less. */
const many = 64

/** Returns when these blobs, and the names that lead to them, are durable. Blobs that have been removed meanwhile are passed over. */
export async function flushBlobs(layout: BlobLayout, digests: readonly Digest[]): Promise<void> {
  if (digests.length >= many && (await flushFileSystem(layout.directory))) return
  const directories = new Set<string>([layout.blobs])
  for (const digest of digests) {
    await flushFile(blobPath(layout, digest))
    const shard = shardOf(layout, digest)
    directories.add(shard).add(dirname(shard))
  }
  for (const directory of directories) await unlessMissing(syncDirectory(directory))
}

async function flushFile(path: string): Promise<void> {
  const handle = await onDisk('open', path, unlessMissing(open(path, 'r')))
  if (handle === undefined) return
  try {
    await onDisk('flush', path, handle.sync())
  } finally {
    await handle.close()
  }
}

/** Flushes all of the file system that the directory is in, which Node has no call for: syncfs(2), by the `sync` of the system. False where that cannot be had. */
async function flushFileSystem(directory: string): Promise<boolean> {
  if (process.platform !== 'linux') return false
  const child = spawn('sync', ['-f', directory], { stdio: 'ignore' })
  try {
    const [code] = await once(child, 'exit')
    return code === 0
  } catch {
    return false
  }
}

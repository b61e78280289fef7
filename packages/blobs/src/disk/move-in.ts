import { rename } from 'node:fs/promises'
import { type Digest, isArtifactError, isErrno } from '@artifact-store/core'
import { type BlobLayout, blobPath, shardOf } from '../layout.ts'
import { type DurableDirectories, syncDirectory } from './durable-directory.ts'
import { onDisk } from './on-disk.ts'

/** Puts a finished, flushed file into its place under a digest, atomically and durably. */
export async function moveIn(layout: BlobLayout, directories: DurableDirectories, file: string, digest: Digest): Promise<void> {
  const shard = shardOf(layout, digest)
  await directories.ensure(shard)
  try {
    await onDisk('move a finished blob into', shard, rename(file, blobPath(layout, digest)))
  } catch (error) {
    if (isArtifactError(error) && isErrno(error.cause, 'ENOENT')) directories.forget(shard)
    throw error
  }
  await syncDirectory(shard)
}

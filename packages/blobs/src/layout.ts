import { join } from 'node:path'
import { type Digest, digestHex, parseDigest } from '@artifact-store/core/digest'

/**
 * The layout of a blob directory. Everything is in one file system, so that a rename is atomic.
 *
 *     <directory>/
 *       blobs/blake3/ab/cd/abcd…         one file a blob, named by the 64 hex digits of its digest; read-only; complete or not there
 *       blocks/                          records of the blocks of large blobs, in a store of the same layout (ADR 0023)
 *       checksums/                       of the files of packages, for zip archives; likewise (ADR 0024)
 *       staging/<owner>.<pid>.<random>   a put in progress; `staging-name.ts` says whose it is and when it may be collected
 *       journal/<owner>.<pid>.<random>   small blobs that are named already and perhaps not on the disk yet (`journal/small-blobs.ts`)
 *       uploads/<id>/<random>.part       an upload in pieces, a file for each writer that could not be sure to be alone (`disk/segments.ts`)
 *
 * Two levels of 256 keep a directory at some 150 entries with ten million blobs. The algorithm's name is part of the path so
 * that another one can stand beside it.
 */
export interface BlobLayout {
  readonly directory: string
  readonly blobs: string
  readonly staging: string
  readonly journal: string
  readonly uploads: string
}

export function blobLayout(directory: string): BlobLayout {
  return {
    directory,
    blobs: join(directory, 'blobs', 'blake3'),
    staging: join(directory, 'staging'),
    journal: join(directory, 'journal'),
    uploads: join(directory, 'uploads'),
  }
}

/** The directory of a blob's file. */
export function shardOf(layout: BlobLayout, digest: Digest): string {
  const hex = digestHex(digest)
  return join(layout.blobs, hex.slice(0, 2), hex.slice(2, 4))
}

export function blobPath(layout: BlobLayout, digest: Digest): string {
  return join(shardOf(layout, digest), digestHex(digest))
}

export function isShardName(name: string): boolean {
  return /^[0-9a-f]{2}$/.test(name)
}

/** The digest of the blob in that file, or undefined for a file that is none of ours. */
export function digestOfFile(name: string): Digest | undefined {
  return /^[0-9a-f]{64}$/.test(name) ? parseDigest(`blake3:${name}`) : undefined
}

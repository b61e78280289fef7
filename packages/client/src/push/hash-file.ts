import type { BigIntStats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createContentHasher, hashBytes } from '@artifact-store/blobs'
import { ArtifactError, type ContentDigests } from '@artifact-store/core'
import type { SourceFile } from './source-tree.ts'

/** A file whose content is known, and the marks by which a later change of it is seen. */
export interface HashedFile extends SourceFile, ContentDigests {
  readonly modifiedNs: bigint
  readonly inode: bigint
}

const chunkBytes = 1024 * 1024
/** Up to here a file is read in one piece. */
const smallBytes = 256 * 1024

/**
 * Names a file's content, in one pass and in bounded memory.
 * @param onBytes told how many more bytes have been hashed.
 * @throws ArtifactError `digest-mismatch` when it changes meanwhile.
 */
export async function hashFile(
  file: SourceFile,
  options: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<HashedFile> {
  await using handle = await open(file.location)
  const before = await handle.stat({ bigint: true })
  const content = before.size <= smallBytes ? await hashSmall(handle, options.onBytes) : await hashLarge(handle, options)
  const after = await handle.stat({ bigint: true })
  if (after.mtimeNs !== before.mtimeNs || after.size !== before.size || BigInt(content.size) !== after.size)
    throw changedError(file)
  return { ...file, ...content, modifiedNs: after.mtimeNs, inode: after.ino }
}

/**
 * Reads a file once more, to be sent.
 * @param from where to begin, in bytes.
 * @throws ArtifactError `digest-mismatch` when it is not the file any more that was hashed.
 */
export async function* readHashedFile(file: HashedFile, from = 0): AsyncGenerator<Uint8Array, void, undefined> {
  await using handle = await open(file.location)
  if (hasChanged(file, await handle.stat({ bigint: true }))) throw changedError(file)
  for (let position = from; position < file.size; ) {
    // A fresh buffer each time: the socket keeps what it has not sent yet.
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, file.size - position))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) throw changedError(file)
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

export function changedError(file: SourceFile, cause?: unknown): ArtifactError {
  return new ArtifactError(
    'digest-mismatch',
    `"${file.path}" changed while it was being pushed: push again when nothing writes to it`,
    {
      cause,
      details: { path: file.path },
    },
  )
}

function hasChanged(file: HashedFile, now: BigIntStats): boolean {
  return now.size !== BigInt(file.size) || now.mtimeNs !== file.modifiedNs || now.ino !== file.inode
}

async function hashSmall(handle: FileHandle, onBytes: (bytes: number) => void): Promise<ContentDigests> {
  const bytes = await handle.readFile()
  onBytes(bytes.length)
  return hashBytes(bytes)
}

async function hashLarge(
  handle: FileHandle,
  options: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<ContentDigests> {
  const hasher = await createContentHasher()
  const buffer = Buffer.allocUnsafeSlow(chunkBytes)
  for (;;) {
    options.signal.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, buffer.length)
    if (bytesRead === 0) return hasher.digests()
    hasher.update(buffer.subarray(0, bytesRead))
    options.onBytes(bytesRead)
  }
}

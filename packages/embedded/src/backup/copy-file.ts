import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { isErrno } from '@artifact-store/core'

const blockBytes = 1024 * 1024

/** What a copy turned out to be. */
export interface CopiedFile {
  readonly size: number
  /** In hex. */
  readonly sha256: string
}

/**
 * Copies a file as it is at the moment, durably, and in bounded memory. Whoever made the directory flushes that.
 * @param from is undefined where the file is gone, which is for the caller to judge.
 */
export async function copyFile(from: string, to: string, signal: AbortSignal): Promise<CopiedFile | undefined> {
  const source = await openThere(from)
  if (source === undefined) return undefined
  try {
    await using target = await open(to, 'wx', 0o600)
    const copied = await pour(source, target, signal)
    await target.sync()
    return copied
  } finally {
    await source.close()
  }
}

async function pour(source: FileHandle, target: FileHandle, signal: AbortSignal): Promise<CopiedFile> {
  const hash = createHash('sha256')
  const block = Buffer.allocUnsafe(blockBytes)
  let size = 0
  for (;;) {
    signal.throwIfAborted()
    const { bytesRead } = await source.read(block, 0, blockBytes, size)
    if (bytesRead === 0) return { size, sha256: hash.digest('hex') }
    const bytes = block.subarray(0, bytesRead)
    hash.update(bytes)
    for (let written = 0; written < bytesRead; ) {
      const { bytesWritten } = await target.write(bytes, written, bytesRead - written, size + written)
      written += bytesWritten
    }
    size += bytesRead
  }
}

async function openThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

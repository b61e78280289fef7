import { type FileHandle, open } from 'node:fs/promises'
import { type ContentHasher, createContentHasher } from '@artifact-store/blobs'
import { ArtifactError } from '@artifact-store/core'
import type { ArtifactStoreClient } from '../client.ts'
import type { PackageFile } from '../files.ts'
import { pause, retryDelay } from '../http/retry.ts'
import type { ReceivedBytes } from '../received-bytes.ts'

export interface DownloadOptions {
  readonly signal: AbortSignal
  /** Told how many more bytes have come; negative when a download begins anew. */
  readonly onBytes: (bytes: number) => void
}

/**
 * Fetches one file to a new place and proves it: exactly `size` bytes with its BLAKE3 digest. A connection that breaks is made again, and
 * the download goes on where it stopped.
 * @throws ArtifactError `digest-mismatch` when what came is not the file; `blob-corrupt` when the store says so itself.
 */
export async function download(
  client: ArtifactStoreClient,
  id: string,
  file: PackageFile,
  place: string,
  options: DownloadOptions,
): Promise<void> {
  const { signal, onBytes } = options
  await using handle = await open(place, 'wx')
  const state: Received = { handle, hasher: await createContentHasher(), bytes: 0 }
  for (let failures = 1; ; failures++) {
    const before = state.bytes
    try {
      const answer = await client.files.get(id, file.path, { range: before > 0 ? { start: before } : undefined, signal })
      await take(state, answer, file, onBytes)
      break
    } catch (error) {
      signal.throwIfAborted()
      const lost = client.connectionFailure(error)
      if (!lost) throw error
      // Patience is for a connection that brings nothing; one that brings something is progress, however often it breaks.
      if (state.bytes > before) failures = 1
      const delayMs = retryDelay(client.retry, failures, { contacted: true })
      if (delayMs === undefined) throw lost
      await pause(delayMs, signal)
    }
  }
  const { digest } = state.hasher.digests()
  if (digest !== file.digest) throw mismatch(file, `has the digest ${digest}`)
}

interface Received {
  readonly handle: FileHandle
  hasher: ContentHasher
  bytes: number
}

async function take(state: Received, answer: ReceivedBytes, file: PackageFile, onBytes: (bytes: number) => void): Promise<void> {
  if (answer.start !== state.bytes) await restart(state, answer, onBytes)
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    if (state.bytes + chunk.length > file.size) throw mismatch(file, `has more than ${file.size} bytes`)
    await state.handle.write(chunk, 0, chunk.length, state.bytes)
    state.hasher.update(chunk)
    state.bytes += chunk.length
    onBytes(chunk.length)
  }
  // A body with a declared length that ends early is an error of the connection already; this one declared another length.
  if (state.bytes < file.size) throw mismatch(file, `has only ${state.bytes} of ${file.size} bytes`)
}

/** The part that was asked for was answered with the whole: something on the way does not know ranges. */
async function restart(state: Received, answer: ReceivedBytes, onBytes: (bytes: number) => void): Promise<void> {
  if (answer.start !== 0)
    throw new ArtifactError(
      'internal',
      `the part from byte ${state.bytes} on was asked for, the one from byte ${answer.start} on came`,
    )
  onBytes(-state.bytes)
  state.bytes = 0
  state.hasher = await createContentHasher()
  await state.handle.truncate(0)
}

function mismatch(file: PackageFile, what: string): ArtifactError {
  return new ArtifactError(
    'digest-mismatch',
    `what came as "${file.path}" ${what}: it is not the file of the package, and was not kept`,
    {
      details: { path: file.path, expected: file.digest },
    },
  )
}

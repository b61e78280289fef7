import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { ArtifactError } from '@artifact-store/core'
import type { ArtifactStoreClient } from '../client.ts'
import { pause, retryDelay } from '../http/retry.ts'
import type { ArchiveFormat } from '../packages.ts'
import type { ReceivedBytes } from '../received-bytes.ts'
import { placeFile } from './place-file.ts'

export interface PullArchiveOptions {
  readonly signal?: AbortSignal | undefined
  /** Told how many bytes there are of how many. */
  readonly onProgress?: ((bytesDone: number, bytesTotal: number) => void) | undefined
}

export interface ArchivedResult {
  readonly bytes: number
}

/**
 * Fetches a finalized package as one file. The file gets its name when it is whole and on disk; a connection that breaks is made again, and the
 * download goes on where it stopped, by the same bytes (`If-Match`). The store proves every byte on its way out; an archive has no digest of its own.
 * @throws ArtifactError `path-taken` when something is at `place`; `package-not-finalized`, `package-not-found`, `blob-corrupt`.
 */
export async function pullArchive(
  client: ArtifactStoreClient,
  id: string,
  format: ArchiveFormat,
  place: string,
  options: PullArchiveOptions = {},
): Promise<ArchivedResult> {
  const { signal, onProgress } = options
  const partial = `${place}.${randomBytes(6).toString('hex')}.part`
  try {
    await using handle = await open(partial, 'wx')
    const state: Received = { handle, bytes: 0, total: undefined, etag: undefined }
    for (let failures = 1; ; failures++) {
      const before = state.bytes
      try {
        const range = before > 0 ? { start: before } : undefined
        await take(state, await client.packages.archive(id, format, { range, ifMatch: state.etag, signal }), onProgress)
        break
      } catch (error) {
        signal?.throwIfAborted()
        const lost = client.connectionFailure(error)
        if (!lost) throw error
        // Patience is for a connection that brings nothing; one that brings something is progress, however often it breaks.
        if (state.bytes > before) failures = 1
        const delayMs = retryDelay(client.retry, failures, { contacted: true })
        if (delayMs === undefined) throw lost
        await pause(delayMs, signal)
      }
    }
    await handle.sync()
    if (!(await placeFile(partial, place))) throw takenError(place)
    return { bytes: state.bytes }
  } finally {
    await rm(partial, { force: true })
  }
}

interface Received {
  readonly handle: FileHandle
  bytes: number
  total: number | undefined
  etag: string | undefined
}

async function take(state: Received, answer: ReceivedBytes, onProgress: PullArchiveOptions['onProgress']): Promise<void> {
  // The whole came although a part was asked for: something on the way knows no ranges.
  state.bytes = answer.start
  state.total ??= answer.start + answer.size
  state.etag ??= answer.etag
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    await state.handle.write(chunk, 0, chunk.length, state.bytes)
    state.bytes += chunk.length
    onProgress?.(state.bytes, state.total)
  }
  if (state.bytes === state.total) return
  throw new ArtifactError('internal', `the archive has ${state.bytes} bytes, and ${state.total} were announced: nothing was kept`)
}

function takenError(place: string): ArtifactError {
  return new ArtifactError('path-taken', `${place} is there already and was left as it was; move it away, or give another name`, {
    details: { path: place },
  })
}

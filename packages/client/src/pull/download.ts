import { type FileHandle, open } from 'node:fs/promises'
import { type ContentHasher, createContentHasher } from '@artifact-store/blobs'
import { ArtifactError, isArtifactError } from '@artifact-store/core'
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
 * the download goes on where it stopped. Where the store says that its bytes are elsewhere, they are taken from there; if they are not the file, the store
 * itself is asked for them, which notices then what is wrong with them.
 * @throws ArtifactError `digest-mismatch` when what came is not the file; `blob-corrupt` when the store says so itself.
 */
export async function download(
  client: ArtifactStoreClient,
  id: string,
  file: PackageFile,
  place: string,
  options: DownloadOptions,
): Promise<void> {
  await using handle = await open(place, 'wx')
  const state: Received = { handle, hasher: await createContentHasher(), bytes: 0, fromElsewhere: false }
  try {
    await fetchWhole(client, id, file, state, { ...options, fromAnywhere: true })
  } catch (error) {
    if (!isArtifactError(error, 'digest-mismatch') || !state.fromElsewhere) throw error
    await startAnew(state, options.onBytes)
    await fetchWhole(client, id, file, state, { ...options, fromAnywhere: false })
  }
}

async function fetchWhole(
  client: ArtifactStoreClient,
  id: string,
  file: PackageFile,
  state: Received,
  { signal, onBytes, fromAnywhere }: DownloadOptions & { readonly fromAnywhere: boolean },
): Promise<void> {
  for (let failures = 1; ; failures++) {
    const before = state.bytes
    try {
      const range = before > 0 ? { start: before } : undefined
      // Elsewhere may be out of reach from here, or slow to die: after a failure the store itself is asked.
      const answer = await client.files.get(id, file.path, { range, signal, fromAnywhere: fromAnywhere && failures === 1 })
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
  /** Whether some of the bytes did not come from the store itself. */
  fromElsewhere: boolean
}

async function take(state: Received, answer: ReceivedBytes, file: PackageFile, onBytes: (bytes: number) => void): Promise<void> {
  if (answer.start !== state.bytes) await restart(state, answer, onBytes)
  state.fromElsewhere ||= answer.isElsewhere
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
  await startAnew(state, onBytes)
}

async function startAnew(state: Received, onBytes: (bytes: number) => void): Promise<void> {
  onBytes(-state.bytes)
  state.bytes = 0
  state.fromElsewhere = false
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

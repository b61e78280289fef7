import { type Digest, isArtifactError } from '@artifact-store/core'
import { type Abortable, type BlobEntry, type BlobStore, smallBlobBytes } from './blob-store.ts'
import { checkBlob } from './check-blob.ts'
import { type CheckedOptions, checkedBlobStore } from './checked.ts'
import { putCopy } from './copy-blob.ts'

/** What was found and done. */
export interface CopiedBlobs {
  /** Blobs of the source, and their bytes. */
  readonly blobs: number
  readonly bytes: number
  /** Those that the target did not have. */
  readonly copied: number
  readonly copiedBytes: number
  /** Those that were removed from the source. */
  readonly removed: number
  /** Blobs of the source that do not have the bytes that their names say, or that the target did not give back as it took them; they are left where they are. */
  readonly damaged: number
}

export interface CopyBlobsOptions extends Abortable {
  /** How copies are hashed, and where the records of their blocks are kept. */
  readonly proof?: CheckedOptions | undefined
  /** Removes each blob from the source when it was read again, whole, from the target and proved to be there. */
  readonly remove?: boolean | undefined
  /** Told of what is damaged, and on which side. */
  readonly onDamaged?: ((digest: Digest, where: 'source' | 'target') => void) | undefined
  /** Told how far it is, after each blob; they come in the order of their digests. */
  readonly onProgress?: ((soFar: CopiedBlobs, at: Digest) => void) | undefined
}

/** So many small blobs are on their way at once, so that the target may share its flushes between them. */
const atOnce = 32

/**
 * Copies every blob that the target does not have yet, or has with another size. Each is proven by its digest on its way and durable when this
 * resolves; one that is damaged in the source is left out and told of, and the others are copied all the same. Blobs that come or go meanwhile may or may not be
 * copied.
 * @throws what the source or the target throws; what was copied before that stays, and the next run goes on behind it.
 */
export async function copyBlobs(from: BlobStore, to: BlobStore, options: CopyBlobsOptions = {}): Promise<CopiedBlobs> {
  const { signal, proof, remove = false, onDamaged, onProgress } = options
  // Without disposing of it: the target is the caller's.
  const target = checkedBlobStore(to, proof)
  const total = { blobs: 0, bytes: 0, copied: 0, copiedBytes: 0, removed: 0, damaged: 0 }

  async function copy(blob: BlobEntry): Promise<boolean> {
    try {
      await putCopy(from, target, blob, { signal })
    } catch (error) {
      // It was removed meanwhile, by whoever may.
      if (isArtifactError(error, 'blob-not-found')) return false
      if (!isArtifactError(error, 'digest-mismatch', 'body-incomplete')) throw error
      total.damaged += 1
      onDamaged?.(blob.digest, 'source')
      return false
    }
    total.copied += 1
    total.copiedBytes += blob.size
    return true
  }

  async function isProven({ digest }: BlobEntry): Promise<boolean> {
    return (await checkBlob(to, digest, { signal })).kind === 'intact'
  }

  async function move(blob: BlobEntry, isThere: boolean): Promise<void> {
    // A copy that was there already may have rotted since; the source has one more.
    if (!(isThere && (await isProven(blob)))) {
      if (!(await copy(blob))) return
      if (!(await isProven(blob))) {
        total.damaged += 1
        onDamaged?.(blob.digest, 'target')
        return
      }
    }
    if (await from.delete(blob.digest, { signal })) total.removed += 1
  }

  const underWay = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  const begin = async (blob: BlobEntry, work: Promise<unknown>): Promise<void> => {
    const working = work
      .then(
        () => undefined,
        (error: unknown) => {
          failure ??= { error }
        },
      )
      .finally(() => underWay.delete(working))
    underWay.add(working)
    if (blob.size > smallBlobBytes) await working
    else if (underWay.size >= atOnce) await Promise.race(underWay)
  }

  try {
    for await (const { blob, isThere } of compared(from, to, signal)) {
      total.blobs += 1
      total.bytes += blob.size
      if (remove) await begin(blob, move(blob, isThere))
      else if (!isThere) await begin(blob, copy(blob))
      if (failure) break
      onProgress?.(total, blob.digest)
    }
  } finally {
    await Promise.all(underWay)
  }
  if (failure) throw failure.error
  return total
}

/**
 * The blobs of the source, and whether the target has them with the same size. Both lists come in the order of the digests, so that one walk over each is
 * enough; what the target's did not show is asked for by its name, as it may have come meanwhile.
 */
async function* compared(
  from: BlobStore,
  to: BlobStore,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly blob: BlobEntry; readonly isThere: boolean }, void, void> {
  const there = to.list({ signal })[Symbol.asyncIterator]()
  try {
    let entry = await there.next()
    for await (const blob of from.list({ signal })) {
      while (entry.done !== true && entry.value.digest < blob.digest) entry = await there.next()
      const isListed = entry.done !== true && entry.value.digest === blob.digest && entry.value.size === blob.size
      yield { blob, isThere: isListed || (await to.stat(blob.digest, { signal }))?.size === blob.size }
    }
  } finally {
    await there.return?.()
  }
}

import { type Digest, isArtifactError } from '@artifact-store/core'
import { type Abortable, type BlobEntry, type BlobStore, smallBlobBytes } from './blob-store.ts'
import { checkedBlobStore } from './checked.ts'
import { readBlob } from './read-blob.ts'

/** What was found and done. */
export interface CopiedBlobs {
  /** Blobs of the source, and their bytes. */
  readonly blobs: number
  readonly bytes: number
  /** Those that the target did not have. */
  readonly copied: number
  readonly copiedBytes: number
  /** Blobs of the source that do not have the bytes that their names say; they are left out. */
  readonly damaged: number
}

export interface CopyBlobsOptions extends Abortable {
  readonly onDamaged?: ((digest: Digest) => void) | undefined
  /** Told how far it is, after each blob. */
  readonly onProgress?: ((soFar: CopiedBlobs) => void) | undefined
}

/** So many small blobs are on their way at once, so that the target may share its flushes between them. */
const atOnce = 32

/**
 * Copies every blob that the target does not have yet, or has with another size. Each is proven by its digest on its way and durable when this
 * resolves; one that is damaged in the source is left out and told of, and the others are copied all the same. Blobs that come meanwhile may or may not be copied.
 * @throws what the source or the target throws; what was copied before that stays, and the next run goes on behind it.
 */
export async function copyBlobs(from: BlobStore, to: BlobStore, options: CopyBlobsOptions = {}): Promise<CopiedBlobs> {
  const { signal, onDamaged, onProgress } = options
  // Without disposing of it: the target is the caller's.
  const target = checkedBlobStore(to)
  const total = { blobs: 0, bytes: 0, copied: 0, copiedBytes: 0, damaged: 0 }
  const copy = async ({ digest, size }: BlobEntry): Promise<void> => {
    try {
      if (size <= smallBlobBytes) await target.putBytes(await readBlob(from, digest, { signal }), { expect: [digest], signal })
      else await target.put(await from.get(digest, { signal }), { expect: [digest], size, signal })
      total.copied += 1
      total.copiedBytes += size
    } catch (error) {
      if (!isArtifactError(error, 'digest-mismatch', 'body-incomplete')) throw error
      total.damaged += 1
      onDamaged?.(digest)
    }
  }
  const underWay = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  try {
    for await (const entry of from.list({ signal })) {
      total.blobs += 1
      total.bytes += entry.size
      if ((await to.stat(entry.digest, { signal }))?.size !== entry.size) {
        const copying = copy(entry)
          .catch((error: unknown) => {
            failure ??= { error }
          })
          .finally(() => underWay.delete(copying))
        underWay.add(copying)
        if (entry.size > smallBlobBytes) await copying
        else if (underWay.size >= atOnce) await Promise.race(underWay)
      }
      if (failure) break
      onProgress?.(total)
    }
  } finally {
    await Promise.all(underWay)
  }
  if (failure) throw failure.error
  return total
}

import { type Digest, isArtifactError } from '@artifact-store/core'
import type { Abortable, BlobStore } from './blob-store.ts'
import { createTreeHasher } from './blocks/tree-hasher.ts'

/** What a backend turned out to hold under a digest. */
export type BlobFinding =
  | { readonly kind: 'intact'; readonly size: number }
  | { readonly kind: 'missing' }
  | { readonly kind: 'different'; readonly actualDigest: Digest; readonly actualSize: number }

/** What one of several stores turned out to hold. */
export interface CopyFinding {
  readonly store: BlobStore
  readonly finding: BlobFinding
}

/** What a reader may hope for: the best of the copies. */
export function summaryOf(copies: readonly CopyFinding[]): BlobFinding {
  const findings = copies.map(({ finding }) => finding)
  return (
    findings.find(({ kind }) => kind === 'intact') ?? findings.find(({ kind }) => kind === 'different') ?? { kind: 'missing' }
  )
}

/** Reads the whole blob, whatever its size is said to be, and says what it is. @throws what the backend's get throws, but for a blob that is not there. */
export async function checkBlob(store: BlobStore, digest: Digest, options: Abortable = {}): Promise<BlobFinding> {
  const hasher = await createTreeHasher()
  let size = 0
  try {
    for await (const chunk of await store.get(digest, options)) {
      hasher.update(chunk)
      size += chunk.length
    }
  } catch (error) {
    if (isArtifactError(error, 'blob-not-found')) return { kind: 'missing' }
    throw error
  }
  const actualDigest = hasher.digest()
  return actualDigest === digest ? { kind: 'intact', size } : { kind: 'different', actualDigest, actualSize: size }
}

import type { PartialContent } from '@artifact-store/blobs'
import type { AnyDigest, ArtifactPath, ContentDigests, ErrorKind, PackageId, UploadId } from '@artifact-store/core'

/** A file of a package that an upload becomes when it is complete. */
export interface UploadTarget {
  readonly packageId: PackageId
  readonly path: ArtifactPath
}

/** What is said of an upload when it is begun. */
export interface NewUpload {
  readonly actor: string
  /** `part` of a concatenation, or the `final` upload that consists of `parts`. */
  readonly kind:
    | {
        readonly role: 'whole' | 'part' /** In bytes; undefined when it will be said later. */
        readonly length: number | undefined
      }
    | { readonly role: 'final'; readonly parts: readonly UploadId[]; readonly length: number }
  /** `Upload-Metadata` as it was sent, to be given back. */
  readonly metadata: string
  /** The digests that it must have. */
  readonly expected: readonly AnyDigest[]
  readonly mediaType: string
  readonly target: UploadTarget | undefined
}

/** Why an upload can never be completed. */
export interface UploadProblem {
  readonly kind: ErrorKind
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** `received`: all bytes are durable, and the rest is under way or was interrupted. */
export type UploadPhase = 'receiving' | 'received' | 'completed' | 'failed'

/** An upload as the database has it. */
export interface Upload {
  readonly id: UploadId
  readonly actor: string
  readonly role: 'whole' | 'part' | 'final'
  readonly phase: UploadPhase
  readonly length: number | undefined
  readonly content: PartialContent
  readonly metadata: string
  readonly expected: readonly AnyDigest[]
  readonly mediaType: string
  readonly target: UploadTarget | undefined
  readonly parts: readonly UploadId[]
  /** Known from when all bytes were there; never for a part. */
  readonly digests: ContentDigests | undefined
  readonly problem: UploadProblem | undefined
  readonly createdAt: Date
  readonly expiresAt: Date
}

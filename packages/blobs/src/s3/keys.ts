import { type Digest, digestHex } from '@artifact-store/core'
import { digestOfFile } from '../layout.ts'

/**
 * The keys of a store in a bucket, below the prefix of its address.
 *
 *     blobs/blake3/abcd…                      one object a blob, named by the 64 hex digits of its digest; complete or not there
 *     staging/<owner>.<pid>.<random>          a large put in progress; `staging-name.ts` says whose it is and when it may be collected
 *     uploads/<id>/<segment>/<piece>.<size>   an upload in pieces; `staging.ts` says what a segment is
 *     trials/<owner>.<pid>.<random>           what an examination of the server works on
 */
export interface S3Keys {
  /** What the keys of all blobs begin with. */
  readonly blobs: string
  readonly staging: string
  readonly uploads: string
  readonly trials: string
  blob(digest: Digest): string
  /** The digest of the blob that has this key; undefined for an object that is none of ours. */
  digestOf(key: string): Digest | undefined
}

export function s3Keys(prefix: string): S3Keys {
  const blobs = `${prefix}blobs/blake3/`
  return {
    blobs,
    staging: `${prefix}staging/`,
    uploads: `${prefix}uploads/`,
    trials: `${prefix}trials/`,
    blob: digest => blobs + digestHex(digest),
    digestOf: key => (key.startsWith(blobs) ? digestOfFile(key.slice(blobs.length)) : undefined),
  }
}

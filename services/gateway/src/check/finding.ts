/** Something that is not as it should be. */
export interface Finding {
  readonly part: 'log' | 'blobs' | 'references'
  /** Where: a sequence, a digest, or a file of a package. */
  readonly at: string
  readonly says: string
}

/** How far a part is; written to by who works on it, read by who tells of it. */
export interface Progress {
  part: Finding['part']
  /** Events, blobs or files that were looked at. */
  done: number
  /** Bytes of blobs that were read again. */
  bytes: number
}

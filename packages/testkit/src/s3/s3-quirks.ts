/** What a server does wrong all the time. */
export interface S3Quirks {
  /** Asked for a part of an object, it claims to give it and gives bytes from the beginning. */
  readonly rangesFromTheStart?: boolean
  /** `If-None-Match` means nothing to it. */
  readonly ignoresConditions?: boolean
  /** It does not compare checksums. */
  readonly ignoresChecksums?: boolean
  /** It answers 501 to copies. */
  readonly refusesCopies?: boolean
  /** It copies the first half of an object. */
  readonly copiesHalf?: boolean
  /** Its lists are as old as that, in milliseconds. */
  readonly listsLateByMs?: number
}

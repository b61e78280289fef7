import { parseDigest, parsePackageId, parseSha256 } from '@artifact-store/core'
import { z } from 'zod'

/** The parts that many answers share. */
export const digest = z
  .string()
  .regex(/^blake3:[0-9a-f]{64}$/)
  .transform(text => parseDigest(text))

export const sha256 = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/)
  .transform(text => parseSha256(text))

export const packageId = z.uuid().transform(text => parsePackageId(text))

/** RFC 3339 in UTC with milliseconds, as it came. */
export const time = z.string().min(1)

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

/** Which page of a list: `cursor` is `next` of the page before. */
export interface PageOptions extends CallOptions {
  readonly cursor?: string | undefined
  readonly limit?: number | undefined
}

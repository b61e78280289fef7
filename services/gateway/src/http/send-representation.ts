import type { ByteRange, ByteStream } from '@artifact-store/blobs'
import type { AnyDigest } from '@artifact-store/core'
import type { AppEnv } from '@artifact-store/service'
import type { Context } from 'hono'
import { attachment } from './content-disposition.ts'
import { multipartRanges } from './multipart-ranges.ts'
import { isNotModified, rangeCounts } from './preconditions.ts'
import { parseRanges } from './range.ts'
import { formatReprDigest, wantedDigests } from './repr-digest.ts'
import { sendBytes, sendWhole } from './send-bytes.ts'

/** Bytes to send, and what is known of them before the first is read (RFC 9110, section 3.2). */
export interface Representation {
  /** Strong: it stands for these very bytes and no others. */
  readonly etag: string
  /** In bytes. */
  readonly size: number
  readonly mediaType: string
  /** The digests of the whole, where they are known. */
  readonly digests: readonly AnyDigest[]
  /** The path whose last segment a browser shall save it under. */
  readonly fileName?: string | undefined
  /** Whether other bytes may stand at this address one day, as in a package that is still open. */
  readonly mayChange?: boolean | undefined
  /** The bytes of a range. The whole is asked for as the range of all of them. */
  open(range: ByteRange): Promise<ByteStream>
  /** All bytes at once, where they are few. */
  readonly read?: (() => Promise<Uint8Array>) | undefined
  /** Where else the client may fetch them, where it wants to; undefined where nowhere. */
  readonly elsewhere?: (() => Promise<string | undefined>) | undefined
}

/**
 * Answers GET and HEAD for bytes (RFC 9110): `If-Match`, `If-None-Match`, one range or several, `If-Range`, `Repr-Digest` as wanted (RFC 9530).
 * The bytes go to the raw response with back-pressure; a body that turns out wrong is broken off before its end.
 */
export async function sendRepresentation(c: Context<AppEnv>, what: Representation, signal: AbortSignal): Promise<Response> {
  const { etag, size } = what
  const conditions = {
    ifMatch: c.req.header('if-match'),
    ifNoneMatch: c.req.header('if-none-match'),
    ifRange: c.req.header('if-range'),
  }
  const headers: Record<string, string> = {
    etag,
    // Kept by the one who was allowed to see them: for a year, or until asked again where they may be others by then.
    'cache-control': what.mayChange ? 'private, no-cache' : 'private, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
  }
  if (isNotModified(conditions, etag)) return c.body(null, 304, headers)

  const digests = wantedDigests(what.digests, c.req.header('want-repr-digest'))
  if (digests.length > 0) headers['repr-digest'] = formatReprDigest(...digests)
  // What people store is not ours to run: no browser may take it for a page of this origin.
  headers['x-content-type-options'] = 'nosniff'
  headers['content-security-policy'] = "sandbox; default-src 'none'"
  if (what.fileName !== undefined) headers['content-disposition'] = attachment(what.fileName)

  // Ranges are defined for GET alone (RFC 9110, section 14.2).
  const isHead = c.req.raw.method === 'HEAD'
  // Another server has another ETag, by which `If-Range` would count for nothing.
  const location = isHead || conditions.ifRange !== undefined ? undefined : await what.elsewhere?.()
  if (location !== undefined) return redirected(c, location, headers['repr-digest'])
  const ranges = !isHead && rangeCounts(conditions, etag) ? parseRanges(c.req.header('range'), size) : undefined
  const { status, bytes } = layOut(what, ranges, headers)
  if (isHead) return c.body(null, status, headers)
  if (ranges === undefined && what.read) return sendWhole(c, { status: 200, headers, bytes: await what.read() })
  return sendBytes(c, { status, headers, bytes: await bytes(), signal })
}

/** The address is a secret while it is good, and good for a moment: nobody keeps it. The digests are what the bytes there have to be proven by. */
function redirected(c: Context<AppEnv>, location: string, digests: string | undefined): Response {
  return c.body(null, 307, {
    location,
    'cache-control': 'no-store',
    'preference-applied': 'redirect',
    'referrer-policy': 'no-referrer',
    ...(digests === undefined ? {} : { 'repr-digest': digests }),
  })
}

/** Which body answers the ranges; its length and type are written into the headers. */
function layOut(
  what: Representation,
  ranges: readonly ByteRange[] | undefined,
  headers: Record<string, string>,
): { status: 200 | 206; bytes: () => Promise<ByteStream> } {
  if (ranges !== undefined && ranges.length > 1) {
    const parts = multipartRanges(ranges, what)
    headers['content-type'] = parts.mediaType
    headers['content-length'] = String(parts.length)
    return { status: 206, bytes: async () => parts.send(range => what.open(range)) }
  }
  const range = ranges?.[0] ?? { start: 0, end: what.size }
  headers['content-type'] = what.mediaType
  headers['content-length'] = String(range.end - range.start)
  if (ranges !== undefined) headers['content-range'] = `bytes ${range.start}-${range.end - 1}/${what.size}`
  return { status: ranges === undefined ? 200 : 206, bytes: () => what.open(range) }
}

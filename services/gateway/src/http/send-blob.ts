import type { ServerResponse } from 'node:http'
import type { ByteStream, CheckedBlobStore } from '@artifact-store/blobs'
import { ArtifactError, type Digest, type Sha256Digest } from '@artifact-store/core'
import { type AppEnv, outgoingOf, RESPONSE_ALREADY_SENT } from '@artifact-store/service'
import type { Context } from 'hono'
import { attachment } from './content-disposition.ts'
import { etagOf } from './etag.ts'
import { isNotModified, rangeCounts } from './preconditions.ts'
import { parseRange } from './range.ts'
import { formatReprDigest } from './repr-digest.ts'

/** Bytes to send, and what is said of them. */
export interface SendableBlob {
  readonly digest: Digest
  readonly sha256: Sha256Digest
  readonly size: number
  readonly mediaType: string
  /** The path whose last segment a browser shall save it under. */
  readonly fileName?: string
  /** Whether other bytes may stand at this address one day, as in a package that is still open. */
  readonly mayChange?: boolean
}

/**
 * Answers GET and HEAD for bytes: strong ETag, `If-Match`, `If-None-Match`, `Range`, `If-Range`, `Repr-Digest`. The bytes go from the store to
 * the raw response with back-pressure; a body that turns out not to have its digest is broken off before its end.
 */
export async function sendBlob(
  c: Context<AppEnv>,
  store: CheckedBlobStore,
  blob: SendableBlob,
  signal: AbortSignal,
): Promise<Response> {
  const etag = etagOf(blob.digest)
  const conditions = {
    ifMatch: c.req.header('if-match'),
    ifNoneMatch: c.req.header('if-none-match'),
    ifRange: c.req.header('if-range'),
  }
  const headers: Record<string, string> = {
    etag,
    // Kept by the one who was allowed to see them: for a year, or until asked again where they may be others by then.
    'cache-control': blob.mayChange ? 'private, no-cache' : 'private, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
  }
  if (isNotModified(conditions, etag)) return c.body(null, 304, headers)

  const range = rangeCounts(conditions, etag) ? parseRange(c.req.header('range'), blob.size) : undefined
  headers['content-type'] = blob.mediaType
  headers['content-length'] = String(range ? range.end - range.start : blob.size)
  headers['repr-digest'] = formatReprDigest(blob.sha256, blob.digest)
  // What people store is not ours to run: no browser may take it for a page of this origin.
  headers['x-content-type-options'] = 'nosniff'
  headers['content-security-policy'] = "sandbox; default-src 'none'"
  if (range) headers['content-range'] = `bytes ${range.start}-${range.end - 1}/${blob.size}`
  if (blob.fileName !== undefined) headers['content-disposition'] = attachment(blob.fileName)
  const status = range ? 206 : 200

  if (c.req.raw.method === 'HEAD') return c.body(null, status, headers)
  const bytes = await store.get(blob.digest, { size: blob.size, range, signal })
  return sendStream(c, { status, headers, bytes, signal })
}

/** Streams bytes as the answer. An error before the first byte is a problem document, one after it a broken connection. */
async function sendStream(
  c: Context<AppEnv>,
  answer: { status: 200 | 206; headers: Record<string, string>; bytes: ByteStream; signal: AbortSignal },
): Promise<Response> {
  const { status, headers, bytes, signal } = answer
  const outgoing = outgoingOf(c)
  if (!outgoing) throw new ArtifactError('internal', 'bytes are sent on the raw response, which is not here')
  const iterator = bytes[Symbol.asyncIterator]()
  // The first chunk before the head: a blob of one chunk that is corrupt is still answered by a problem.
  let next = await iterator.next()
  for (const [name, value] of c.res.headers) outgoing.setHeader(name, value)
  outgoing.writeHead(status, headers)
  for (; !next.done; next = await iterator.next()) {
    if (signal.aborted || outgoing.destroyed) {
      await iterator.return?.()
      return RESPONSE_ALREADY_SENT
    }
    await sent(outgoing, next.value)
  }
  outgoing.end()
  return RESPONSE_ALREADY_SENT
}

/** Writes a chunk, and returns when it has left or nothing ever will. */
function sent(outgoing: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      outgoing.off('close', done)
      resolve()
    }
    outgoing.once('close', done)
    outgoing.write(chunk, error => {
      if (!error) release(chunk)
      done()
    })
  })
}

/** Gives a chunk's memory back at once: left to the collector, the blocks of one download add up to 64 MiB before it looks at them. */
function release({ buffer, byteLength }: Uint8Array): void {
  // What shares its memory with other chunks must stay.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

import type { ServerResponse } from 'node:http'
import type { S3Answer, S3Request } from './s3-request.ts'

/** What a server does wrong once, with one request. */
export type Misdeed =
  /** It answers that, and does nothing else. */
  | { readonly kind: 'refuse'; readonly status: 500 | 503 }
  /** It hangs up without an answer, having done nothing. */
  | { readonly kind: 'hang-up' }
  /** It does what it was asked to, and hangs up. */
  | { readonly kind: 'lose-answer' }
  /** It hangs up after so many bytes of its body. */
  | { readonly kind: 'cut'; readonly after: number }
  /** It says nothing more after so many bytes of its body. */
  | { readonly kind: 'stall'; readonly after: number }
  /** It gives that many bytes of its body and says that this was all. */
  | { readonly kind: 'truncate'; readonly to: number }
  /** One bit of its body is the other way round. */
  | { readonly kind: 'flip'; readonly at: number }
  /** One bit of what it receives is the other way round. */
  | { readonly kind: 'flip-received' }

/** Asked of every request: what is done wrong with it. */
export type Misbehaviour = (request: S3Request) => Misdeed | undefined

/** The request as the server takes it for. */
export function misheard(request: S3Request, misdeed: Misdeed | undefined): S3Request {
  return misdeed?.kind === 'flip-received' ? { ...request, body: flipped(request.body, 0) } : request
}

/** Sends an answer, or what becomes of it. */
export function send(outgoing: ServerResponse, answer: S3Answer, misdeed: Misdeed | undefined): void {
  const { status, headers, body } = answer
  const whole = { 'content-length': String(body.length), ...headers }
  switch (misdeed?.kind) {
    case 'hang-up':
    case 'lose-answer':
      outgoing.destroy()
      return
    case 'truncate': {
      // An answer without a body, as to HEAD, is only what its headers say.
      if (body.length === 0) break
      const rest = body.subarray(0, misdeed.to)
      outgoing.writeHead(status, { ...whole, 'content-length': String(rest.length) })
      outgoing.end(rest)
      return
    }
    case 'cut':
    case 'stall':
      outgoing.writeHead(status, whole)
      outgoing.write(body.subarray(0, misdeed.after), () => {
        if (misdeed.kind === 'cut') outgoing.destroy()
      })
      return
    case 'flip':
      outgoing.writeHead(status, whole)
      outgoing.end(flipped(body, misdeed.at))
      return
    default:
  }
  outgoing.writeHead(status, whole)
  outgoing.end(body)
}

function flipped(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes)
  if (at < other.length) other[at] = (other[at] ?? 0) ^ 1
  return other
}

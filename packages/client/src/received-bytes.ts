import type { Readable } from 'node:stream'
import { ArtifactError } from '@artifact-store/core'
import type { Call } from './http/call.ts'
import type { Caller } from './http/caller.ts'
import type { TransportResponse } from './http/transport.ts'
import type { CallOptions } from './wire.ts'

/** Which bytes are asked for: from `start`, up to `end` exclusive where that is given. */
export interface ByteRange {
  readonly start: number
  readonly end?: number | undefined
}

/** What a download says of itself. */
export interface ReceivedHead {
  readonly mediaType: string
  /** How many bytes this answer has: those of the range where one was asked for. */
  readonly size: number
  /** Where the bytes begin within the whole: 0 when the whole is sent, also if a range was asked for. */
  readonly start: number
  /** The strong entity tag: the digest of the whole, in quotes. */
  readonly etag: string | undefined
}

/** A download. `body` is as the gateway sent it, not checked here; read it to the end or destroy it. */
export interface ReceivedBytes extends ReceivedHead {
  readonly body: Readable
  /** Whether it came from where the store keeps its bytes and not by way of the store: then nobody has proven it, and it has no entity tag. */
  readonly isElsewhere: boolean
}

/** How bytes are to be fetched. */
export interface FetchOptions extends CallOptions {
  readonly range?: ByteRange | undefined
  /** Takes them from anywhere the store says they are. Only for who proves them by their digest, and asks again without this where they are others. */
  readonly fromAnywhere?: boolean | undefined
}

export async function fetchBytes(caller: Caller, path: string, options: FetchOptions): Promise<ReceivedBytes> {
  const { range, fromAnywhere = false, signal } = options
  const call: Call = { method: 'GET', path, headers: { accept: '*/*', ...rangeHeader(range) }, signal }
  const { response, isElsewhere } = fromAnywhere
    ? await caller.streamFromAnywhere(call)
    : { response: await caller.stream(call), isElsewhere: false }
  const head = receivedHead(response)
  return { ...head, etag: isElsewhere ? undefined : head.etag, body: response.body, isElsewhere }
}

export function rangeHeader(range: ByteRange | undefined): Record<string, string> {
  if (!range) return {}
  return { range: `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}` }
}

export function receivedHead(response: TransportResponse): ReceivedHead {
  const { headers } = response
  return {
    mediaType: headers.get('content-type') ?? 'application/octet-stream',
    size: Number(headers.get('content-length') ?? 0),
    start: response.status === 206 ? startOf(headers.get('content-range')) : 0,
    etag: headers.get('etag') ?? undefined,
  }
}

function startOf(contentRange: string | null): number {
  const start = /^bytes (\d+)-/.exec(contentRange ?? '')?.[1]
  if (start === undefined)
    throw new ArtifactError(
      'internal',
      'the answer is a part (206) but does not say which: its Content-Range is missing or malformed',
    )
  return Number(start)
}

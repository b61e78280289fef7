import type { Readable } from 'node:stream'

/** The bytes of a request. A function opens them anew for every attempt, so that a call with a streamed body can be retried. */
export type RequestBody = Uint8Array | string | (() => AsyncIterable<Uint8Array>)

export interface TransportRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: RequestBody | undefined
  /** The length of the body in bytes, where it is known; `headers` have it as well. */
  readonly size?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Give up when no byte moves in either direction for so long, in milliseconds. */
  readonly idleTimeoutMs: number
}

export interface TransportResponse {
  readonly status: number
  readonly headers: Headers
  /** To be read to its end or destroyed by whoever gets it: the connection is held until then. */
  readonly body: Readable
}

/**
 * One exchange over HTTP, without retries and without judging the status. Rejects with the system's own error when the
 * connection fails, with the body's own error when that cannot be read, and with the signal's reason when it aborts.
 */
export interface Transport {
  send(request: TransportRequest): Promise<TransportResponse>
  /** Closes idle connections. */
  close(): void
}

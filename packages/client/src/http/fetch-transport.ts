import { Readable } from 'node:stream'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import type { RequestBody, Transport } from './transport.ts'

/** Exchanges over a `fetch` of the caller's, e.g. an instrumented one, or an application's own without a socket. */
export function fetchTransport(fetch: typeof globalThis.fetch): Transport {
  return {
    async send(request) {
      const idle = AbortSignal.timeout(request.idleTimeoutMs)
      // `fetch` does not say when bytes move, so the limit holds for the head of the response only.
      const head = new AbortController()
      const onIdle = () => head.abort(idle.reason)
      idle.addEventListener('abort', onIdle)
      try {
        const response = await fetch(request.url, {
          method: request.method,
          headers: request.headers,
          // Where to go on is for the caller to decide, who knows what must not be told there.
          redirect: 'manual',
          signal: request.signal ? AbortSignal.any([request.signal, head.signal]) : head.signal,
          ...toFetchBody(request.body),
        })
        const body = response.body ? Readable.fromWeb(response.body as NodeReadableStream) : Readable.from([])
        return { status: response.status, headers: response.headers, body }
      } finally {
        idle.removeEventListener('abort', onIdle)
      }
    },
    close() {},
  }
}

function toFetchBody(body: RequestBody | undefined): RequestInit {
  if (body === undefined) return {}
  if (typeof body === 'string') return { body }
  if (typeof body !== 'function') return { body: new Uint8Array(body) }
  // A streamed body is only taken with `duplex` (Fetch standard), which the type does not know.
  return { body: Readable.toWeb(Readable.from(body())), duplex: 'half' } as unknown as RequestInit
}

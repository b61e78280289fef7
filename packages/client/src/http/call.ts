import type { RetryPolicy } from './retry.ts'
import type { RequestBody } from './transport.ts'

/** One call of the API. */
export interface Call {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** From `/v1/…` on, already percent-encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A body of JSON. */
  readonly json?: unknown
  /** A body of bytes, and their number where it is known. */
  readonly body?: RequestBody | undefined
  readonly size?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly idleTimeoutMs?: number | undefined
  /** Another patience than the client's; `never` for a call that must not be made twice. */
  readonly retry?: RetryPolicy | 'never' | undefined
  /** Told the number of every attempt before it is made, from 1. */
  readonly onAttempt?: ((attempt: number) => void) | undefined
}

/** The whole address of a call. @param base without a slash at its end. */
export function addressOf(base: string, call: Call): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(call.query ?? {})) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined) query.append(name, String(item))
    }
  }
  const search = query.toString()
  return `${base}${call.path}${search === '' ? '' : `?${search}`}`
}

import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import type { RunningStore } from './running-store.ts'

export interface RawRequest {
  readonly method: string
  /** Sent as it stands: no client mends it. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  /** Declares this many bytes and ends after `body`. */
  readonly declaring?: number | undefined
}

export interface RawAnswer {
  readonly status: number
  readonly contentType: string | undefined
  /** The body, which is JSON here. */
  readonly document: unknown
}

/** Makes a request that no well-behaved client makes, on a connection of its own, and reads what is answered. */
export function rawRequest({ url, token }: Pick<RunningStore, 'url' | 'token'>, given: RawRequest): Promise<RawAnswer> {
  const { method, target, headers = {}, body = '', declaring } = given
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = request({
      host: hostname,
      port,
      method,
      path: target,
      agent: false,
      headers: { authorization: `Bearer ${token}`, 'content-length': declaring ?? Buffer.byteLength(body), ...headers },
    })
    sent.once('error', reject)
    sent.once('response', answer => {
      const { statusCode: status = 0, headers: answered } = answer
      json(answer).then(document => resolve({ status, contentType: answered['content-type'], document }), reject)
    })
    if (declaring === undefined) sent.end(body)
    // The connection is closed for writing only: there is still someone to tell.
    else sent.write(body, () => sent.socket?.end())
  })
}

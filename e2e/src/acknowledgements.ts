import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'

/** A write that the gateway said is done. */
export interface Acknowledgement {
  readonly method: string
  /** Of the request, percent-encoded. */
  readonly path: string
  readonly status: number
  /** Where in the log the gateway said that it is; absent when it wrote nothing. */
  readonly position: number | undefined
}

export interface Recording extends Disposable {
  readonly acknowledged: readonly Acknowledgement[]
  /** Answers that refused, by their status: what the client had to do again. */
  readonly refused: readonly number[]
}

/** Records every answer that this process's HTTP client gets from `url`, below the SDK, until disposed of. */
export function recordAcknowledgements(url: string): Recording {
  const acknowledged: Acknowledgement[] = []
  const refused: number[] = []
  const { host } = new URL(url)
  const take = (message: unknown) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage }
    const { statusCode: status = 0, headers } = response
    if (request.getHeader('host') !== host || request.method === 'GET') return
    const position = headers['artifact-position']
    if (status < 300) {
      acknowledged.push({
        method: request.method,
        path: request.path,
        status,
        position: typeof position === 'string' ? Number(position) : undefined,
      })
    } else {
      refused.push(status)
    }
  }
  subscribe('http.client.response.finish', take)
  return { acknowledged, refused, [Symbol.dispose]: () => void unsubscribe('http.client.response.finish', take) }
}

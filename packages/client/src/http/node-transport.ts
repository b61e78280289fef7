import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'

/** From this size on, ask first whether the body is wanted, so that a refusal costs no bytes (RFC 9110, section 10.1.1). */
const askFirstBytes = 1024 * 1024
/** How long to wait for that answer: there are servers that never give one. */
const askFirstMs = 2000

/** Node's own client with kept-alive connections: it streams bodies with a known length in bounded memory, faster than `fetch`. */
export function nodeTransport(): Transport {
  const http = new HttpAgent({ keepAlive: true, scheduling: 'lifo' })
  const https = new HttpsAgent({ keepAlive: true, scheduling: 'lifo' })
  return {
    async send(request) {
      request.signal?.throwIfAborted()
      const client = request.url.startsWith('https:')
        ? httpsRequest(request.url, { agent: https, method: request.method })
        : httpRequest(request.url, { agent: http, method: request.method })
      return exchange(client, request)
    },
    close() {
      http.destroy()
      https.destroy()
    },
  }
}

function exchange(client: ClientRequest, request: TransportRequest): Promise<TransportResponse> {
  const { signal, idleTimeoutMs } = request
  return new Promise((resolve, reject) => {
    let response: IncomingMessage | undefined
    // A connection whose answer is here may be the agent's again already, where nobody hears of an error.
    const abort = () => (response?.complete ? response : client).destroy(abortReason(signal))
    signal?.addEventListener('abort', abort, { once: true })
    client.once('close', () => signal?.removeEventListener('abort', abort))
    client.on('error', error => {
      reject(error)
      // A broken connection reaches the body by itself; a reason of ours (abort, idle) is the better message.
      if (response && !response.destroyed) response.destroy(error)
    })
    client.setTimeout(idleTimeoutMs, () => {
      // Bytes that lie here unread are the consumer's pause, not the server's.
      if (response && response.readableLength > 0) client.setTimeout(idleTimeoutMs)
      else client.destroy(idleError(idleTimeoutMs))
    })
    client.once('response', (incoming: IncomingMessage) => {
      response = incoming
      // Whoever reads the body is told by it. One who has just stopped is not, and an error that nobody listens to ends the process.
      incoming.on('error', () => undefined)
      // An answer that ends before the body does: the rest is not sent, and the connection is not used again.
      const finish = () => {
        if (!client.writableFinished) client.destroy()
      }
      incoming.once('end', finish).once('close', finish)
      resolve({ status: incoming.statusCode ?? 0, headers: toHeaders(incoming), body: incoming })
    })
    for (const [name, value] of Object.entries(request.headers)) client.setHeader(name, value)
    // A refusal, that is: an answer of the lines that a stream is answered with begins while the stream is sent.
    const isRefused = () => (response?.statusCode ?? 0) >= 300
    sendBody(client, request, isRefused).catch(error => {
      reject(error)
      client.destroy(error)
    })
  })
}

async function sendBody(client: ClientRequest, { body, size = 0 }: TransportRequest, isRefused: () => boolean): Promise<void> {
  if (typeof body !== 'function') return void client.end(body)
  if (size >= askFirstBytes && !(await isWanted(client))) return
  const isUseless = () => isRefused() || client.destroyed
  for await (const chunk of body()) {
    if (isUseless()) return
    if (!client.write(chunk)) await drained(client)
  }
  if (!isUseless()) client.end()
}

/** True on `100 Continue`, or when the server says nothing for a while; false when it has answered already. */
function isWanted(client: ClientRequest): Promise<boolean> {
  return new Promise(resolve => {
    client.setHeader('Expect', '100-continue')
    client.once('continue', () => settle(true))
    client.once('response', () => settle(false))
    client.once('close', () => settle(false))
    // The clock runs from when there is a connection: before that there is nobody to ask.
    let timer: NodeJS.Timeout | undefined
    client.once('socket', () => {
      timer = setTimeout(() => settle(true), askFirstMs)
    })
    client.flushHeaders()
    function settle(wanted: boolean) {
      clearTimeout(timer)
      resolve(wanted)
    }
  })
}

/** Resolves when more can be written, or when it is of no use any more. */
function drained(client: ClientRequest): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      for (const event of ['drain', 'close', 'response']) client.off(event, done)
      resolve()
    }
    for (const event of ['drain', 'close', 'response']) client.on(event, done)
  })
}

function toHeaders(incoming: IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  return headers
}

function abortReason(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new DOMException('This operation was aborted', 'AbortError')
}

function idleError(idleTimeoutMs: number): Error {
  return Object.assign(new Error(`no byte moved for ${idleTimeoutMs / 1000} s`), { code: 'ETIMEDOUT' })
}

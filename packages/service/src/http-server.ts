import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { ArtifactError, isErrno } from '@artifact-store/core'
import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server'
import { deferContinue } from './accept-body.ts'
import { type ConnectionLimits, connectionLimits, limitConnections, serverOptions, tooManyFields } from './connection-limits.ts'
import type { DirectHandler } from './direct-route.ts'
import { problemHeaders, problemOf } from './problem.ts'
import { writeProblem } from './problem-response.ts'
import { boundUnreadBodies, type UnreadLimits, unreadLimits } from './unread-body.ts'
import { answerUnreadable } from './unreadable-request.ts'

export interface HttpServerOptions {
  /** Answers requests; a Hono app's `fetch` is one. */
  readonly fetch: (request: Request, env: HttpBindings | Http2Bindings) => Promise<Response> | Response
  /** Asked before `fetch` is. */
  readonly direct?: DirectHandler | undefined
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Those of `connectionLimits` where it does not say otherwise. */
  readonly limits?: Partial<ConnectionLimits> | undefined
  /** Told of each connection that is closed for what came over it or for being one too many, with a word for the reason. */
  readonly onRefused?: ((reason: string) => void) | undefined
  /** How much is read of the body of a request that was answered before it was complete. */
  readonly unread?: UnreadLimits | undefined
  /** Called before the server listens, for whatever is not set here. */
  readonly configureServer?: ((server: Server) => void) | undefined
}

export interface HttpServer extends AsyncDisposable {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string
  readonly port: number
  /** Every answer from now on ends its connection, and everything else goes on: for the time in which balancers learn to stay away. */
  drain(): void
  /** Stops accepting, lets requests in flight finish for at most `graceMs`, then cuts them off. Disposing means no grace. */
  close(graceMs: number): Promise<void>
}

/** Serves over HTTP/1.1. @throws ArtifactError `configuration` where the address cannot be had, saying why and what to set. */
export async function listenHttp(options: HttpServerOptions): Promise<HttpServer> {
  const limits = { ...connectionLimits, ...options.limits }
  const { onRefused = () => {} } = options
  const server = createServer(serverOptions(limits))
  limitConnections(server, limits)
  const listener = getRequestListener(options.fetch, {
    // With it the class that stands in for Response forgets that an answer was already sent as soon as a header is added.
    overrideGlobalObjects: false,
    errorHandler: answerUnhandled,
  })
  const unread = boundUnreadBodies(server, options.unread ?? unreadLimits)
  const inFlight = new Set<ServerResponse>()
  let draining = false
  let closing: Promise<void> | undefined
  const serve = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    inFlight.add(outgoing)
    unread.begun(incoming, outgoing)
    if (draining) outgoing.shouldKeepAlive = false
    outgoing.once('close', () => {
      inFlight.delete(outgoing)
      unread.answered(incoming)
      // The connection counts as idle only after this event.
      if (closing !== undefined) setImmediate(() => server.closeIdleConnections())
    })
    const tooMany = tooManyFields(incoming)
    if (tooMany !== undefined) {
      onRefused(tooMany.kind)
      writeProblem(outgoing, tooMany)
    } else if (options.direct?.(incoming, outgoing) !== true) void listener(incoming, outgoing)
  }
  server.on('request', serve)
  answerUnreadable(server, { answering: inFlight, hangUp: unread.hangUp, onRefused })
  server.on('drop', () => onRefused('too-many-connections'))
  deferContinue(server, serve)
  options.configureServer?.(server)
  const port = await listenOn(server, options)

  function drain(): void {
    draining = true
    for (const outgoing of inFlight) if (!outgoing.headersSent) outgoing.shouldKeepAlive = false
  }

  function close(graceMs: number): Promise<void> {
    closing ??= new Promise<void>((resolve, reject) => {
      const deadline = setTimeout(() => server.closeAllConnections(), graceMs)
      server.close(error => {
        clearTimeout(deadline)
        if (error === undefined) resolve()
        else reject(error)
      })
    })
    drain()
    return closing
  }
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return { url: `http://${host}:${port}`, port, drain, close, [Symbol.asyncDispose]: () => close(0) }
}

async function listenOn(server: Server, { host, port }: HttpServerOptions): Promise<number> {
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (error) {
    throw new ArtifactError('configuration', whyNot(error, host, port), { cause: error })
  }
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

function whyNot(error: unknown, host: string, port: number): string {
  if (isErrno(error, 'EADDRINUSE'))
    return `port ${port} on ${host} is already in use: stop what listens there, or set PORT to another`
  if (isErrno(error, 'EACCES')) return `port ${port} on ${host} may not be used by this user: set PORT to one above 1023`
  if (isErrno(error, 'EADDRNOTAVAIL', 'ENOTFOUND')) return `${host} is not an address of this machine: set HOST to one that is`
  return `cannot listen on ${host} port ${port}: ${error instanceof Error ? error.message : String(error)}`
}

/** What did not even reach the app, e.g. a Host header that is none, or left it without being an Error. */
function answerUnhandled(error: unknown): Response {
  const malformed = error instanceof Error && error.name === 'RequestError'
  const document = problemOf(
    malformed ? new ArtifactError('invalid-request', `the request cannot be read: ${error.message}`) : error,
  )
  return new Response(JSON.stringify(document), { status: document.status, headers: problemHeaders(document) })
}

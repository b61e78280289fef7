import type { ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from './app-env.ts'
import { outgoingOf } from './app-env.ts'
import { problemHeaders, problemOf } from './problem.ts'
import { endWithRefusal } from './unread-body.ts'

/** The answer to a request that failed with `error`. Where a raw answer had already begun, that is cut off instead. */
export function problemResponse(c: Context<AppEnv>, error: unknown): Response {
  const outgoing = outgoingOf(c)
  if (outgoing?.headersSent === true) {
    cutOff(outgoing)
    return RESPONSE_ALREADY_SENT
  }
  if (outgoing !== undefined) endWithRefusal(outgoing)
  const document = problemOf(error, c.get('requestId'))
  // Hono's type knows the registered ones; 460 is tus's own.
  return c.body(JSON.stringify(document), document.status as ContentfulStatusCode, problemHeaders(document))
}

/**
 * The same for a handler that writes on Node's own response. Once headers are out the connection is destroyed, so that the
 * client sees a broken body and never takes a part for the whole.
 */
export function writeProblem(outgoing: ServerResponse, error: unknown): void {
  if (outgoing.headersSent) {
    cutOff(outgoing)
    return
  }
  endWithRefusal(outgoing)
  const requestId = outgoing.getHeader('x-request-id')
  const document = problemOf(error, typeof requestId === 'string' ? requestId : undefined)
  const body = JSON.stringify(document)
  // What the handler had meant to say of its body (a length, a validator, a range) is not true of this one.
  for (const name of outgoing.getHeaderNames()) if (name !== 'x-request-id') outgoing.removeHeader(name)
  outgoing.writeHead(document.status, { ...problemHeaders(document), 'Content-Length': Buffer.byteLength(body) })
  outgoing.end(body)
}

function cutOff(outgoing: ServerResponse): void {
  if (!outgoing.writableFinished) outgoing.destroy()
}

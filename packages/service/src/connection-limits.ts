import type { IncomingMessage, Server, ServerOptions } from 'node:http'
import { ArtifactError } from '@artifact-store/core'

/** What a server puts up with of the connections to it, before it knows who is calling. */
export interface ConnectionLimits {
  /** Connections at once; those above are closed as they come. 0: as many as the system gives. */
  readonly maxConnections: number
  /** How long the head of a request may take, in milliseconds, however steadily it trickles; the first one counts from the connection on. */
  readonly headMs: number
  /** How long a connection may stand idle between two requests, in milliseconds. Longer than a balancer's own time, which otherwise sends into a closing one. */
  readonly idleMs: number
}

export const connectionLimits: ConnectionLimits = { maxConnections: 10_000, headMs: 30_000, idleMs: 65_000 }

/** Most bytes of a request's head, its first line included. */
export const maxHeadBytes = 16 * 1024
/** Most fields in a request's head. */
const maxFields = 100

/** The limits as Node's server takes them. */
export function serverOptions({ headMs, idleMs }: ConnectionLimits): ServerOptions {
  return {
    // An upload takes as long as it takes; what must be quick is the head of a request.
    requestTimeout: 0,
    headersTimeout: headMs,
    connectionsCheckingInterval: Math.min(headMs, 5000),
    keepAliveTimeout: idleMs,
    maxHeaderSize: maxHeadBytes,
  }
}

export function limitConnections(server: Server, { maxConnections }: ConnectionLimits): void {
  if (maxConnections > 0) server.maxConnections = maxConnections
  // Node leaves those above out without a word. One more than are allowed is enough to notice.
  server.maxHeadersCount = maxFields + 1
}

/** Why a head has too many fields, if it has. */
export function tooManyFields({ rawHeaders }: IncomingMessage): ArtifactError | undefined {
  // Names and values by turns.
  if (rawHeaders.length <= 2 * maxFields) return undefined
  return new ArtifactError('headers-too-large', `the head of the request has more than ${maxFields} fields: send fewer`, {
    details: { maxFields },
  })
}

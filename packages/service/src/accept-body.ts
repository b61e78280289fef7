import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'

const owesContinue = Symbol('owesContinue')
type Expectant = ServerResponse & { [owesContinue]?: boolean }

/**
 * Passes requests with `Expect: 100-continue` on without answering the expectation, so that a refused upload costs no bytes
 * (RFC 9110, section 10.1.1). The handler that wants the body calls `acceptBody`.
 */
export function deferContinue(server: Server, listener: RequestListener): void {
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: Expectant) => {
    outgoing[owesContinue] = true
    // A client that is refused may send the body or not; only closing tells the next request from it.
    outgoing.shouldKeepAlive = false
    listener(incoming, outgoing)
  })
}

/** Tells a client that waits for it to send the body now. Harmless to call twice, or where none waits. */
export function acceptBody(outgoing: ServerResponse | undefined): void {
  const expectant: Expectant | undefined = outgoing
  if (expectant?.[owesContinue] !== true || expectant.headersSent) return
  expectant[owesContinue] = false
  expectant.shouldKeepAlive = true
  expectant.writeContinue()
}

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { ArtifactError } from '@artifact-store/core'
import { type AppEnv, outgoingOf, RESPONSE_ALREADY_SENT } from '@artifact-store/service'
import type { Context } from 'hono'

export const ndjsonType = 'application/x-ndjson'

/** How much may wait for a client that sends and does not read; then it is read from no further. In bytes. */
const mostWaiting = 16 * 1024 * 1024

/**
 * An answer of a JSON text a line, which begins while the request still arrives. Its head is sent with the first line, so that what is refused
 * before is answered by a problem document with its own status.
 */
export class NdjsonAnswer {
  readonly #outgoing: ServerResponse

  constructor(c: Context<AppEnv>) {
    const outgoing = outgoingOf(c)
    if (!outgoing) throw new ArtifactError('internal', 'lines are sent on the raw response, which is not here')
    this.#outgoing = outgoing
  }

  get begun(): boolean {
    return this.#outgoing.headersSent
  }

  /** Sends the lines. Waits while too much has not been taken, until the client takes it or goes. */
  async write(lines: readonly unknown[]): Promise<void> {
    if (lines.length === 0 || this.#outgoing.destroyed) return
    this.#begin()
    this.#outgoing.write(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    while (this.#outgoing.writableLength > mostWaiting && !this.#outgoing.destroyed)
      await Promise.race(['drain', 'close'].map(event => once(this.#outgoing, event)))
  }

  end(lastLine: unknown): Response {
    this.#begin()
    this.#outgoing.end(`${JSON.stringify(lastLine)}\n`)
    return RESPONSE_ALREADY_SENT
  }

  #begin(): void {
    if (this.#outgoing.headersSent) return
    this.#outgoing.writeHead(200, { 'content-type': ndjsonType, 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  }
}

import type { Call } from './call.ts'
import type { Transport, TransportResponse } from './transport.ts'

/** The field by which a store is asked to say where the bytes lie, if it would rather not send them itself (RFC 7240). */
export const preferRedirect = { prefer: 'redirect' } as const

export interface ElsewhereOptions {
  readonly transport: Transport
  /** The whole address that was asked. */
  readonly asked: string
  readonly idleTimeoutMs: number
}

/**
 * Fetches what an answer of 307 says is elsewhere, and tells nothing of who asks: the address itself is what opens it, and the server there is not the store.
 * @returns undefined where that is not to be had there, for whatever reason: then the store sends it itself.
 * @throws the signal's reason when it aborts.
 */
export async function fetchElsewhere(
  call: Call,
  answer: TransportResponse,
  { transport, asked, idleTimeoutMs }: ElsewhereOptions,
): Promise<TransportResponse | undefined> {
  answer.body.resume()
  const place = URL.parse(answer.headers.get('location') ?? '', asked)
  if (place === null || !mayFollow(new URL(asked).protocol, place.protocol)) return undefined
  const range = call.headers?.['range']
  try {
    const response = await transport.send({
      method: 'GET',
      url: place.href,
      headers: { accept: '*/*', ...(range === undefined ? {} : { range }) },
      signal: call.signal,
      idleTimeoutMs,
    })
    if (response.status === 200 || response.status === 206) return response
    // Of a refusal, such as that the time is over, there is nothing to learn.
    response.body.destroy()
    return undefined
  } catch {
    call.signal?.throwIfAborted()
    return undefined
  }
}

/** From a connection that nobody can listen to never to one where everybody can. */
function mayFollow(from: string, to: string): boolean {
  return to === 'https:' || (to === 'http:' && from === 'http:')
}

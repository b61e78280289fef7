import type { ServerResponse } from 'node:http'
import { type ByteStream, release } from '@artifact-store/blobs'
import { ArtifactError } from '@artifact-store/core'
import { type AppEnv, outgoingOf, RESPONSE_ALREADY_SENT } from '@artifact-store/service'
import type { Context } from 'hono'

/**
 * Streams bytes as the answer, on Node's own response and with its back-pressure: one chunk leaves while the next is read. An error before the first
 * byte is a problem document, one after it a broken connection.
 */
export async function sendBytes(
  c: Context<AppEnv>,
  answer: { status: 200 | 206; headers: Readonly<Record<string, string>>; bytes: ByteStream; signal: AbortSignal },
): Promise<Response> {
  const { status, headers, bytes, signal } = answer
  const outgoing = rawResponse(c)
  const iterator = bytes[Symbol.asyncIterator]()
  // The first chunk before the head: a blob of one chunk that is corrupt is still answered by a problem.
  let next = await iterator.next()
  outgoing.writeHead(status, headers)
  let leaving: Promise<void> | undefined
  for (; !next.done; next = await iterator.next()) {
    await leaving
    if (signal.aborted || outgoing.destroyed) {
      await iterator.return?.()
      return RESPONSE_ALREADY_SENT
    }
    leaving = sent(outgoing, next.value)
  }
  outgoing.end()
  return RESPONSE_ALREADY_SENT
}

/** Sends bytes that are in memory, as the whole answer. */
export function sendWhole(
  c: Context<AppEnv>,
  answer: { readonly status: 200 | 201; readonly headers: Readonly<Record<string, string>>; readonly bytes: Uint8Array },
): Response {
  const outgoing = rawResponse(c)
  outgoing.writeHead(answer.status, answer.headers)
  outgoing.end(answer.bytes)
  return RESPONSE_ALREADY_SENT
}

function rawResponse(c: Context<AppEnv>): ServerResponse {
  const outgoing = outgoingOf(c)
  if (!outgoing) throw new ArtifactError('internal', 'bytes are sent on the raw response, which is not here')
  return outgoing
}

/** Writes a chunk; resolves when it has left or nothing ever will. */
function sent(outgoing: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      outgoing.off('close', done)
      resolve()
    }
    outgoing.once('close', done)
    outgoing.write(chunk, error => {
      if (!error) release(chunk)
      done()
    })
  })
}

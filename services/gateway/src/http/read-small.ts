import type { IncomingMessage } from 'node:http'
import { silentFor } from './patient.ts'

/**
 * The body of a request that announced a small one, whole: in one piece where it came in one, which it mostly does. A stream, with all that watches over it,
 * costs more than what it brings.
 * @param idleMs how long the client may send nothing, in milliseconds.
 * @param brokenOff makes the error of a body that ended too early, from how many bytes had come.
 * @throws ArtifactError `body-incomplete`
 */
export function readSmall(
  incoming: IncomingMessage,
  idleMs: number,
  brokenOff: (received: number, cause?: unknown) => Error,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // One that has closed already says so no more.
    if (incoming.destroyed) return reject(brokenOff(0, incoming.errored))
    const chunks: Buffer[] = []
    const received = () => chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    const take = (chunk: Buffer) => {
      chunks.push(chunk)
      clock.refresh()
    }
    const end = () => {
      leave()
      const [first, second] = chunks
      resolve(first && !second ? first : Buffer.concat(chunks))
    }
    const fail = (error?: unknown) => {
      leave()
      reject(brokenOff(received(), error))
    }
    const clock = setTimeout(() => {
      leave()
      // The rest is left to whoever answers the request.
      incoming.pause()
      reject(silentFor(idleMs))
    }, idleMs)
    const leave = () => {
      clearTimeout(clock)
      incoming.off('data', take).off('end', end).off('error', fail).off('close', fail)
    }
    incoming.on('data', take).on('end', end).on('error', fail).on('close', fail)
  })
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { ArtifactError } from '@artifact-store/core'
import { acceptBody } from '@artifact-store/service'

export interface IntakeLimits {
  /** The most bytes of one body. */
  readonly maxBodyBytes: number
  /** The most bytes of all bodies whose appends have no answer yet. */
  readonly maxWaitingBytes: number
}

/** The bodies that are read or whose appends wait, counted so that memory stays bounded however many come at once. */
export interface AppendIntake {
  /** Bytes of the bodies that are held. */
  readonly bytes: number
  /**
   * Reads a body and lets `use` have it; its bytes count until that is done. A body that alone is more than may be held is taken when
   * nothing else is.
   * @throws ArtifactError `overloaded` or `body-too-large`, by what the head declares before a byte is read; `body-incomplete`, also
   *   when nothing has come for ten seconds: a client that the network has swallowed must not hold its place for ever.
   */
  hold<T>(incoming: IncomingMessage, outgoing: ServerResponse, use: (body: Buffer) => Promise<T>): Promise<T>
}

export function createIntake(limits: IntakeLimits): AppendIntake {
  const { maxBodyBytes, maxWaitingBytes } = limits
  let held = 0
  return {
    get bytes() {
      return held
    },
    async hold(incoming, outgoing, use) {
      let own = 0
      const claim = (bytes: number): void => {
        if (bytes > maxBodyBytes) throw tooLarge(maxBodyBytes)
        const others = held - own
        if (others > 0 && others + bytes > maxWaitingBytes) throw tooMuch(held, maxWaitingBytes)
        held += bytes - own
        own = bytes
      }
      try {
        const declared = Number(incoming.headers['content-length'] ?? 0)
        claim(declared)
        acceptBody(outgoing)
        const body = await readBody(incoming, received => {
          if (received > own) claim(received)
        })
        return await use(body)
      } catch (error) {
        // What is left of the body is not worth reading.
        if (!incoming.complete) outgoing.shouldKeepAlive = false
        throw error
      } finally {
        held -= own
      }
    },
  }
}

function readBody(incoming: IncomingMessage, onProgress: (received: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let received = 0
    const silence = setTimeout(() => broken(), silenceMs)
    incoming.on('data', (chunk: Buffer) => {
      received += chunk.length
      silence.refresh()
      try {
        onProgress(received)
      } catch (error) {
        clearTimeout(silence)
        incoming.removeAllListeners('data').resume()
        reject(error)
        return
      }
      chunks.push(chunk)
    })
    incoming.once('end', () => {
      clearTimeout(silence)
      const [only] = chunks
      resolve(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, received))
    })
    const broken = (cause?: unknown): void => {
      clearTimeout(silence)
      if (incoming.complete) return
      const message = `the body broke off after ${received} bytes: nothing was appended, send it again`
      reject(new ArtifactError('body-incomplete', message, { cause }))
    }
    incoming.once('error', broken)
    incoming.once('close', broken)
  })
}

const silenceMs = 10_000

function tooLarge(maxBytes: number): ArtifactError {
  return new ArtifactError(
    'body-too-large',
    `the body is longer than the ${maxBytes} bytes that are allowed; send less at once`,
    {
      details: { maxBytes },
    },
  )
}

function tooMuch(waitingBytes: number, maxWaitingBytes: number): ArtifactError {
  return new ArtifactError('overloaded', `${waitingBytes} bytes of appends are waiting already; try again in a second`, {
    details: { waitingBytes, maxWaitingBytes },
  })
}

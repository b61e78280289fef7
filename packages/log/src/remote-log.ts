import { setTimeout as delay } from 'node:timers/promises'
import { ArtifactError, isArtifactError } from '@artifact-store/core'
import type { Append, AppendOutcome, AppendPort } from './event-log.ts'
import { createFunnel } from './funnel.ts'
import { encodeAppend, maxAppendsPerRequest, wireResults } from './wire.ts'

export interface RemoteLogOptions {
  readonly url: URL
  /** The secret that the log-writer shares with those who may append. */
  readonly token: string
  /** For how long an unreachable log-writer is tried again, in milliseconds. */
  readonly patienceMs?: number
  /** How many appends may wait before more are refused as `overloaded`. */
  readonly maxWaiting?: number
}

/**
 * Appends through a log-writer. What is submitted while a request is under way goes with the next one. As every append has a
 * key, a request whose answer was lost is simply sent again.
 */
export function openRemoteLog(options: RemoteLogOptions): AppendPort {
  const { url, token, patienceMs = 15_000, maxWaiting = 10_000 } = options
  const endpoint = new URL('/v1/appends', url)
  const funnel = createFunnel<Append, AppendOutcome>({
    run: batch => sendPatiently(batch),
    weigh: append =>
      append.events.reduce((sum, e) => sum + Buffer.byteLength(e.payloadJson) + 200, maxRequestWeight / maxAppendsPerRequest),
    maxWeight: maxRequestWeight,
    maxWaiting,
  })

  async function sendPatiently(batch: readonly Append[]): Promise<readonly (AppendOutcome | Error)[]> {
    const deadline = Date.now() + patienceMs
    for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
      try {
        return await send(batch)
      } catch (error) {
        if (!isArtifactError(error, 'log-unavailable', 'overloaded') || Date.now() + pause > deadline) throw error
        await delay(pause)
      }
    }
  }

  async function send(batch: readonly Append[]): Promise<readonly (AppendOutcome | Error)[]> {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ appends: batch.map(encodeAppend) }),
      signal: AbortSignal.timeout(patienceMs),
    }).catch((error: unknown) => {
      throw new ArtifactError('log-unavailable', `the log-writer at ${url.host} does not answer; the write may be tried again`, {
        cause: error,
      })
    })
    if (!response.ok) {
      const text = (await response.text()).slice(0, 500)
      const kind = response.status === 503 ? 'log-unavailable' : 'internal'
      throw new ArtifactError(kind, `the log-writer answered ${response.status}`, { cause: new Error(text) })
    }
    return wireResults.parse(await response.json()).results.map(result => {
      switch (result.outcome) {
        case 'appended':
        case 'repeated':
          return { ...result, createdAt: new Date(result.createdAt) }
        case 'refused':
          return new ArtifactError('invalid-request', result.message)
        default:
          return result
      }
    })
  }

  return { append: (append, options) => funnel.submit(append, options) }
}

const maxRequestWeight = 8 * 1024 * 1024

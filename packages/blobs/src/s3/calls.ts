import { setTimeout as delay } from 'node:timers/promises'
import { ArtifactError } from '@artifact-store/core'
import type { S3Client } from '@aws-sdk/client-s3'
import type { Abortable } from '../blob-store.ts'
import { type S3Address, showAddress } from './address.ts'
import { Circuit, type CircuitOptions } from './circuit.ts'
import { meaningOf, retryAfterMs, s3Error } from './failure.ts'

/** How often a call is made before it has failed. */
export const attempts = 5

/** One attempt: sends its command with these options. */
export type Attempt<T> = (client: S3Client, bucket: string, options: { abortSignal?: AbortSignal }) => Promise<T>

export interface CallOptions extends Abortable {
  /** Told before a call is made again: what it was to do may have been done already, its answer lost. */
  readonly onRetry?: (() => void) | undefined
  /** How often it is made at most; `attempts` when absent. */
  readonly most?: number | undefined
}

/**
 * Makes the calls of one store: each is tried again with back-off where that may help, and none is made while the circuit is
 * open. `doing`, for messages, reads after "could not".
 */
export class S3Calls {
  readonly address: S3Address
  readonly #client: S3Client
  readonly #circuit: Circuit

  constructor(client: S3Client, address: S3Address, circuit: CircuitOptions = {}) {
    this.#client = client
    this.address = address
    this.#circuit = new Circuit(circuit)
  }

  /** Why no call is made at present; undefined while they are. */
  get trouble(): string | undefined {
    return this.#circuit.reason
  }

  /** @throws ArtifactError `backend-unavailable`, `storage-full`; the signal's reason. */
  async call<T>(doing: string, attempt: Attempt<T>, { signal, onRetry, most = attempts }: CallOptions): Promise<T> {
    for (let made = 1; ; made += 1) {
      signal?.throwIfAborted()
      const passage = this.#circuit.enter()
      if ('waitMs' in passage) throw this.#refusal(doing, passage.reason, passage.waitMs)
      try {
        const answer = await attempt(this.#client, this.address.bucket, signal === undefined ? {} : { abortSignal: signal })
        passage.worked()
        return answer
      } catch (error) {
        if (signal?.aborted) {
          passage.abandoned()
          throw signal.reason
        }
        const meaning = meaningOf(error)
        const last = made >= most || meaning === 'missing' || meaning === 'lasting'
        const failure = s3Error(doing, this.address, error)
        if (meaning === 'down') passage.failed(last, failure.message)
        else passage.worked()
        if (last) throw failure
        await delay(pauseMs(made, error), undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted())
        onRetry?.()
      }
    }
  }

  /** The same, but undefined where what it asks for is not there. */
  async find<T>(doing: string, attempt: Attempt<T>, options: CallOptions = {}): Promise<T | undefined> {
    return this.call(
      doing,
      async (client, bucket, sendOptions) => {
        try {
          return await attempt(client, bucket, sendOptions)
        } catch (error) {
          if (meaningOf(error) === 'missing') return undefined
          throw error
        }
      },
      options,
    )
  }

  #refusal(doing: string, reason: string, waitMs: number): ArtifactError {
    return new ArtifactError(
      'backend-unavailable',
      `did not try to ${doing}, as the store does not work at present: ${reason}; it is tried again in ${Math.ceil(waitMs / 1000)} s`,
      { details: { backend: showAddress(this.address), retryAfterSeconds: Math.ceil(waitMs / 1000) } },
    )
  }
}

/** 100 ms, then twice as long each time, up to half of it less at random; or what the server asks for, within 5 seconds. */
function pauseMs(made: number, error: unknown): number {
  const own = 100 * 2 ** (made - 1) * (1 - Math.random() / 2)
  return Math.max(own, Math.min(retryAfterMs(error) ?? 0, 5000))
}

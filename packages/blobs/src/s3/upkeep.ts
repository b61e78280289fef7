import { setTimeout as delay } from 'node:timers/promises'
import { ArtifactError } from '@artifact-store/core'
import type { Abortable } from '../blob-store.ts'
import type { Finding } from '../capability.ts'
import type { S3Bucket } from './bucket.ts'
import { collectStaged } from './collect.ts'
import { examine } from './examine.ts'
import type { StagedKeys } from './staged-keys.ts'

/** How long a start waits for the first examination, in milliseconds; one that takes longer goes on by itself. */
const firstLookMs = 10_000
const retryMs = 5_000

/** Has the server examined as soon as it can be reached, and collects what is left over, now and again. */
export class S3Upkeep implements AsyncDisposable {
  readonly #bucket: S3Bucket
  readonly #staged: StagedKeys
  readonly #everyMs: number
  readonly #closed = new AbortController()
  #examinedAt: Date | undefined
  #trouble: string | undefined
  #running: Promise<void> = Promise.resolve()

  /** @param everyMs how often leftovers are looked for, in milliseconds. */
  constructor(bucket: S3Bucket, staged: StagedKeys, everyMs: number) {
    this.#bucket = bucket
    this.#staged = staged
    this.#everyMs = everyMs
  }

  get examinedAt(): Date | undefined {
    return this.#examinedAt
  }

  /** Why the server could not be examined yet. */
  get trouble(): string | undefined {
    return this.#examinedAt === undefined ? this.#trouble : undefined
  }

  /** Resolves when it has looked once, whatever came of it. */
  async begin(): Promise<void> {
    const looked = Promise.withResolvers<void>()
    this.#running = this.#keepUp(looked.resolve, this.#closed.signal)
    const waiting = new AbortController()
    await Promise.race([looked.promise, delay(firstLookMs, undefined, { signal: waiting.signal }).catch(() => undefined)])
    waiting.abort()
  }

  /** @throws ArtifactError `backend-unavailable` when the server cannot be examined. */
  async examine(options: Abortable = {}): Promise<void> {
    const { calls, keys } = this.#bucket
    using taken = new DisposableStack()
    try {
      this.found(await examine(calls, () => taken.use(this.#staged.take(keys.trials)).key, options))
    } catch (error) {
      if (options.signal?.aborted !== true) this.#trouble = error instanceof Error ? error.message : String(error)
      throw error
    }
  }

  found(findings: readonly Finding[]): void {
    this.#bucket.capabilities.found(findings)
    this.#examinedAt = new Date()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort()
    await this.#running
  }

  async #keepUp(looked: () => void, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        const pauseMs = (await this.#lookOnce(signal)) ? this.#everyMs : retryMs
        looked()
        await delay(pauseMs, undefined, { ref: false, signal })
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** @returns whether the server was there. */
  async #lookOnce(signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#examinedAt === undefined) await this.examine({ signal })
      await collectStaged(this.#bucket.calls, this.#bucket.keys, { staged: this.#staged, signal })
      return true
    } catch (error) {
      // It is told by the report, by readiness, and by whoever makes a call.
      if (signal.aborted || !(error instanceof ArtifactError)) throw error
      return false
    }
  }
}

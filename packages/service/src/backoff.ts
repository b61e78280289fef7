import { setTimeout as delay } from 'node:timers/promises'

export interface RetryOptions {
  readonly signal: AbortSignal
  /** The first wait, in milliseconds; each later one is twice as long, plus up to half at random. */
  readonly firstMs?: number | undefined
  /** The longest wait, in milliseconds. */
  readonly longestMs?: number | undefined
  /** Errors for which it answers false are thrown. Every error is retried without it. */
  readonly retryable?: ((error: unknown) => boolean) | undefined
  /** Told of every failed attempt, with the wait that follows. */
  readonly onFailure?: ((error: unknown, waitMs: number) => void) | undefined
}

/** Tries until it succeeds. @throws the signal's reason when that aborts, and what is not `retryable`. */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, firstMs = 100, longestMs = 5000, retryable = () => true, onFailure } = options
  for (let base = firstMs; ; base = Math.min(base * 2, longestMs)) {
    signal.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      if (!retryable(error)) throw error
      const waitMs = Math.min(longestMs, base * (1 + Math.random() / 2))
      onFailure?.(error, Math.round(waitMs))
      await delay(waitMs, undefined, { signal })
    }
  }
}

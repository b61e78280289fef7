import { setTimeout as sleep } from 'node:timers/promises'

export interface RetryPolicy {
  /** How often a call is tried in all, the first time included. */
  readonly attempts: number
  /** The same until anything has ever answered: a wrong address should be said soon. */
  readonly attemptsBeforeContact: number
  /** The wait after the first failure, in milliseconds; it doubles from failure to failure. */
  readonly firstDelayMs: number
  readonly longestDelayMs: number
}

/** Some 20 seconds in all, which outlasts the restart of a service. */
export const defaultRetryPolicy: RetryPolicy = {
  attempts: 8,
  attemptsBeforeContact: 3,
  firstDelayMs: 250,
  longestDelayMs: 10_000,
}

/** A server that asks for more patience than this is not waited for, in milliseconds. */
const longestRetryAfterMs = 60_000

/**
 * How long to wait before the next attempt, in milliseconds: exponential back-off, of which the upper half is random so that
 * many clients do not return at once, and never earlier than the server asked (`Retry-After`).
 * @param failures how many attempts have failed so far, from 1.
 * @returns undefined when there shall be no further attempt.
 */
export function retryDelay(
  policy: RetryPolicy,
  failures: number,
  circumstances: { contacted: boolean; retryAfterMs?: number | undefined; random?: () => number },
): number | undefined {
  const { contacted, retryAfterMs = 0, random = Math.random } = circumstances
  if (failures >= (contacted ? policy.attempts : Math.min(policy.attempts, policy.attemptsBeforeContact))) return undefined
  if (retryAfterMs > longestRetryAfterMs) return undefined
  const ceiling = Math.min(policy.longestDelayMs, policy.firstDelayMs * 2 ** Math.min(failures - 1, 30))
  return Math.max(retryAfterMs, Math.round(ceiling / 2 + (ceiling / 2) * random()))
}

/** Answers that say "not now": the request was not wrong, and the same one may be right later (RFC 9110, RFC 6585). */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || status === 502 || status === 503 || status === 504
}

/** Reads `Retry-After` in both of its forms (RFC 9110, section 10.2.3), in milliseconds from `now`; undefined when it is neither. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

/** @throws the signal's reason when it aborts. */
export async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal ? { signal } : {})
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

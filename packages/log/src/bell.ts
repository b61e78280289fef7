/**
 * Wakes those who wait for something to happen elsewhere. A waiter names the count that it knew when it last looked, so a ring
 * between its look and its wait is not lost.
 */
export interface Bell {
  /** How often it has rung. */
  readonly count: number
  ring(): void
  /** Returns when the count differs from `known`, after `timeoutMs` milliseconds, or when the signal aborts; never throws. */
  wait(known: number, timeoutMs: number, signal?: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  let count = 0
  const waiters = new Set<() => void>()
  return {
    get count() {
      return count
    },
    ring() {
      count += 1
      for (const wake of [...waiters]) wake()
    },
    wait(known, timeoutMs, signal) {
      if (count !== known || signal?.aborted) return Promise.resolve()
      return new Promise(resolve => {
        const wake = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', wake)
          waiters.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, timeoutMs)
        signal?.addEventListener('abort', wake, { once: true })
        waiters.add(wake)
      })
    },
  }
}

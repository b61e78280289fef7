import type { LogWriterClient } from './log-writer-client.ts'

/** Which of several log-writers is asked. All are right at any time, by the lock in the database; one at a time makes the largest batches. */
export interface WriterChoice {
  /** The one to ask now: the first that works, in the order of preference. */
  current(): LogWriterClient
  /** That one did not do it: the next one is asked from now on, unless somebody has seen to that already. */
  moveOn(from: LogWriterClient): void
}

/** @param writers in the order of preference; at least one. */
export function chooseWriter(writers: readonly [LogWriterClient, ...LogWriterClient[]]): WriterChoice {
  let chosen = 0
  let lookedAt = 0
  let looking = false
  // Longer each time that one which said it was ready did not do it after all.
  let lookBackMs = soonestLookBackMs
  let backSince = Number.NEGATIVE_INFINITY

  /** Goes back to a preferred one that works again. Nobody waits for it: it may be one that swallows connections. */
  async function lookBack(): Promise<void> {
    looking = true
    lookedAt = performance.now()
    for (const [index, writer] of writers.entries()) {
      if (index >= chosen) break
      if (await writer.ready()) {
        chosen = Math.min(chosen, index)
        backSince = performance.now()
        break
      }
    }
    looking = false
  }

  return {
    current() {
      if (chosen > 0 && !looking && performance.now() - lookedAt > lookBackMs) void lookBack()
      return writers[chosen] ?? writers[0]
    },
    moveOn(from) {
      if (writers[chosen] !== from) return
      chosen = (chosen + 1) % writers.length
      // Not at once: it has just shown that it does not work.
      lookedAt = performance.now()
      lookBackMs = lookedAt - backSince < latestLookBackMs ? Math.min(lookBackMs * 2, latestLookBackMs) : soonestLookBackMs
    },
  }
}

const soonestLookBackMs = 2000
const latestLookBackMs = 30_000

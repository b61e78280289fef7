import type { Measurement } from './bench.ts'

/**
 * Lets so many callers do something again and again, each waiting for its answer, for so many seconds.
 * @param once does it once and says how many events that were.
 */
export async function measureCallers(callers: number, seconds: number, once: () => Promise<number>): Promise<Measurement> {
  const latencies: number[] = []
  let events = 0
  const begun = performance.now()
  const end = begun + seconds * 1000
  const call = async (): Promise<void> => {
    while (performance.now() < end) {
      const asked = performance.now()
      const done = await once()
      events += done
      latencies.push(performance.now() - asked)
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  const elapsed = (performance.now() - begun) / 1000
  latencies.sort((a, b) => a - b)
  return { eventsPerSecond: events / elapsed, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }
}

/** The value that this share of them does not exceed. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

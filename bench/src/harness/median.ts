import type { ByteMeasurement, Measurement } from './bench.ts'

/** The middle one by each number: a noisy round moves none of them. */
export function medianMeasurement(rounds: readonly Measurement[]): Measurement {
  return {
    eventsPerSecond: Math.round(median(rounds.map(round => round.eventsPerSecond))),
    p50Ms: twoDigits(median(rounds.map(round => round.p50Ms))),
    p99Ms: twoDigits(median(rounds.map(round => round.p99Ms))),
  }
}

/** The same of what is measured in bytes; fields that no round has are left out. */
export function medianBytes(rounds: readonly ByteMeasurement[]): ByteMeasurement {
  const fields = new Set(rounds.flatMap(round => Object.keys(round) as (keyof ByteMeasurement)[]))
  const medians = [...fields].map(field => [field, twoDigits(median(rounds.flatMap(round => round[field] ?? [])))])
  return { megabytesPerSecond: Number.NaN, ...Object.fromEntries(medians) }
}

export function twoDigits(value: number): number {
  return Math.round(value * 100) / 100
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

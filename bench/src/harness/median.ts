import type { Measurement } from './bench.ts'

/** The middle one by each number: a noisy round moves none of them. */
export function medianMeasurement(rounds: readonly Measurement[]): Measurement {
  return {
    eventsPerSecond: Math.round(median(rounds.map(round => round.eventsPerSecond))),
    p50Ms: twoDigits(median(rounds.map(round => round.p50Ms))),
    p99Ms: twoDigits(median(rounds.map(round => round.p99Ms))),
  }
}

export function twoDigits(value: number): number {
  return Math.round(value * 100) / 100
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

/** How to run a bench: how many interleaved rounds, how long each measurement takes, where progress is told. */
interface BenchOptions {
  readonly rounds: number
  readonly seconds: number
  /** How many events, for a bench that measures by that; its own choice when absent. */
  readonly events?: readonly number[] | undefined
  /** Which of its ways to do it, for a bench that compares some; all of them when absent. */
  readonly ways?: readonly string[] | undefined
  /** Where a bench that needs a long log keeps it, so that the next run has it; a directory that ends with the run when absent. */
  readonly keep?: string | undefined
  readonly say: (line: string) => void
}

/** Medians by what was measured, and ratios between them by what they compare. */
interface BenchReport {
  readonly rounds: number
  readonly results: Readonly<Record<string, Measurement | RateMeasurement | ByteMeasurement>>
  readonly ratios: Readonly<Record<string, number>>
}

export interface Measurement {
  readonly eventsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** What is measured once from begin to end. */
export interface RateMeasurement {
  readonly eventsPerSecond: number
  /** The most memory that the process took. */
  readonly peakMegabytes?: number
}

/** What is measured in bytes. */
export interface ByteMeasurement {
  /** Millions of bytes. */
  readonly megabytesPerSecond: number
  /** For what is many small things rather than a stream. */
  readonly requestsPerSecond?: number
  /** Of the process that does the work, its threads and children included, in seconds for 2^30 bytes. */
  readonly cpuSecondsPerGib?: number
  /** How much of the time the event loop had no time for anything else, from 0 to 1. */
  readonly eventLoopShare?: number
  /** The most memory that the process took, in millions of bytes. */
  readonly peakMegabytes?: number
}

export type Bench = (options: BenchOptions) => Promise<BenchReport>

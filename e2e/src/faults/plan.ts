import { createDice, type Dice } from './dice.ts'
import type { Fault } from './kinds/fault.ts'

export interface PlannedFault {
  readonly fault: Fault
  /** Milliseconds from the beginning of the load. */
  readonly at: number
  /** Milliseconds. */
  readonly lasts: number
  /** What is chosen when it is injected. */
  readonly dice: Dice
}

/** All that is decided about a run before it begins. */
export interface Plan {
  readonly seed: number
  /** How long there is load. */
  readonly seconds: number
  readonly gateways: number
  /** Whether the log is in partitions of a few events each. */
  readonly smallPartitions: boolean
  /** Whether a transaction is held open in the database the whole time. */
  readonly longTransaction: boolean
  /** In the order of their times. They overlap. */
  readonly faults: readonly PlannedFault[]
}

/** The same seed, seconds and faults make the same plan. @param faults those that are possible here and wanted. */
export function makePlan(seed: number, seconds: number, faults: readonly Fault[]): Plan {
  const dice = createDice(`faults ${seed}`)
  const count = Math.max(1, Math.round((dice.between(3, 6) * seconds) / 5))
  const choices = faults.map(fault => ({ weight: fault.weight, value: fault }))
  const planned = Array.from({ length: count }, (_, index): PlannedFault => {
    const at = dice.between(100, Math.max(100, seconds * 1000 - 800))
    // The first goes by the seed alone, so that runs with consecutive seeds come to every fault.
    const fault = faults[index === 0 ? seed % faults.length : -1] ?? dice.weighted(choices)
    return {
      fault,
      at,
      // Mostly short; some last until the load is over.
      lasts: dice.chance(0.75) ? dice.between(50, 1200) : dice.between(1200, 4000),
      dice: dice.fork(`fault ${index}`),
    }
  })
  return {
    seed,
    seconds,
    gateways: dice.between(1, 2),
    smallPartitions: dice.chance(0.5),
    longTransaction: dice.chance(0.75),
    faults: planned.sort((a, b) => a.at - b.at),
  }
}

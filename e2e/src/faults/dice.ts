import { createHash } from 'node:crypto'
import { seededRandom } from '../seeded-random.ts'

/** Choices that are the same for the same seed. */
export interface Dice {
  /** A whole number from 0 to below `end`. */
  below(end: number): number
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number
  /** True so often, from 0 to 1. */
  chance(probability: number): boolean
  /** @throws RangeError for an empty list. */
  oneOf<T>(list: readonly T[]): T
  /** As `oneOf`, but each as often as its weight says. */
  weighted<T>(list: readonly { readonly weight: number; readonly value: T }[]): T
  /** Lower-case hex digits. */
  hex(digits: number): string
  /** Dice of their own for one purpose: how often others throw theirs does not change what these show. */
  fork(purpose: string): Dice
}

export function createDice(seed: string): Dice {
  const next = seededRandom(createHash('sha256').update(seed).digest().readUInt32LE())
  const below = (end: number) => Math.floor(next() * end)
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: probability => next() < probability,
    oneOf(list) {
      const [found] = list.slice(below(list.length)).slice(0, 1)
      if (found === undefined) throw new RangeError('there is nothing to choose from')
      return found
    },
    weighted(list) {
      let left = next() * list.reduce((sum, { weight }) => sum + weight, 0)
      for (const { weight, value } of list) {
        left -= weight
        if (left < 0) return value
      }
      throw new RangeError('there is nothing to choose from')
    },
    hex: digits => Array.from({ length: digits }, () => below(16).toString(16)).join(''),
    fork: purpose => createDice(`${seed}/${purpose}`),
  }
}

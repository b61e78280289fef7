/** Choices that are the same for the same seed. */
export interface Choices {
  /** True so often, from 0 to 1. */
  chance(probability: number): boolean
  /** A whole number from 0 to below `end`. */
  below(end: number): number
  oneOf<T>(list: readonly [T, ...T[]]): T
}

export function choices(seed: number): Choices {
  let state = seed | 0
  // The generator known as mulberry32.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number) => Math.floor(next() * end)
  return { chance: probability => next() < probability, below, oneOf: list => list[below(list.length)] ?? list[0] }
}

import type { Dice } from '../dice.ts'
import type { World } from '../world/world.ts'

/** Something that goes wrong, once or many times in a run. */
export interface Fault {
  /** `<kind>:<where>`, e.g. `cut:gateway-postgres`. */
  readonly name: string
  /** How often it is chosen, compared with others. */
  readonly weight: number
  /** What the machine must allow for it. */
  readonly needs?: 'small-disks' | 'fake-clock'
  /** Makes it go wrong. @returns what ends it; faults overlap, so it ends only this one. */
  inject(world: World, dice: Dice): Promise<() => Promise<void> | void>
}

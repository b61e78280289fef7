import type { Append } from '@artifact-store/log'
import type { Dice } from '../dice.ts'
import type { History } from '../history.ts'
import type { Imprinter } from '../imprint.ts'
import type { World } from '../world/world.ts'
import type { Subjects } from './subjects.ts'

/** What every client of a run works with. */
export interface Load {
  readonly world: World
  readonly history: History
  readonly imprint: Imprinter
  readonly subjects: Subjects
  /** Some of what was appended, to be asked again in the end. */
  readonly kept: Append[]
  /** Aborts when nothing new shall be asked. */
  readonly over: AbortSignal
}

/** One client: does its work until the load is over, whatever meets it on the way. */
export type Client = (load: Load, name: string, dice: Dice) => Promise<void>

/** Milliseconds on a clock that never steps. */
export const now = () => performance.now()

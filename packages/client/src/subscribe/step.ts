import type { StoreEvent } from '../store-event.ts'

/** How a subscription goes forward: to an event that was asked for, or past others that were not. */
export interface Step {
  /** Everything that is asked for up to here has been given, this event included. */
  readonly position: number
  readonly event?: StoreEvent | undefined
}

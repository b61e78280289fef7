import type { Subject } from '@artifact-store/core'

/** Which events of the log to read; what is left out does not narrow. */
export interface EventFilter {
  readonly types?: readonly string[] | undefined
  readonly subject?: Subject | undefined
}

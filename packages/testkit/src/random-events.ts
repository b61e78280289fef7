import type { EventType } from '@artifact-store/core'
import { otherEventMakers } from './random-other-events.ts'
import { packageEventMakers } from './random-package-events.ts'
import type { EventMaker } from './random-world.ts'

/** For every type of event of the catalogue: who forgets one here does not compile. */
export const eventMakers = { ...packageEventMakers, ...otherEventMakers } as const satisfies Record<EventType, EventMaker>

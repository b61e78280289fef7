import { blake3, catalogue, type EventType, type NewEvent } from '@artifact-store/core'
import { eventMakers } from './random-events.ts'
import { randomSource } from './random-source.ts'
import { emptyWorld } from './random-world.ts'

export interface HistoryOptions {
  readonly seed: number
  /** How many events; from about a thousand on, every type of the catalogue occurs. */
  readonly length: number
}

/**
 * What could have happened to a registry: events of several packages, blobs, holds and tokens, mixed, each valid after those before it and
 * with texts that are hard to carry. The same seed gives the same history. Now and then there is one of a type that no catalogue knows.
 */
export function randomHistory({ seed, length }: HistoryOptions): NewEvent[] {
  const random = randomSource(seed)
  const world = emptyWorld()
  const history: NewEvent[] = []
  while (history.length < length) {
    const event = random.chance(0.04)
      ? unknownEvent(random.oneOf([...world.packages.keys()]))
      : eventMakers[nextType()](world, random)
    if (event) history.push(event)
  }
  return history

  function nextType(): EventType {
    if (world.packages.size === 0) return 'v1.package.created'
    return random.oneOf(random.chance(0.5) ? packageTypes : types) ?? 'v1.package.created'
  }
}

const types = Object.keys(eventMakers) as EventType[]
// Half of what happens, as packages have the most that can happen to them.
const packageTypes = types.filter(type => catalogue[type].subject === 'package')

/** From a later version, about a package of ours. */
function unknownEvent(subjectId: string | undefined): NewEvent | undefined {
  if (!subjectId) return undefined
  const payloadJson = '{"colour":"blue"}'
  return {
    eventType: 'v2.package.painted',
    subjectKind: 'package',
    subjectId,
    actor: 'a later version',
    payloadJson,
    payloadDigest: blake3(payloadJson),
  }
}

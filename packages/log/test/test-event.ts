import { blake3, canonicalJson, type JsonObject, type NewEvent } from '@artifact-store/core'
import type { Append, Condition } from '@artifact-store/log'

export interface TestEventInput {
  readonly id?: string
  readonly kind?: string
  readonly type?: string
  readonly payload?: JsonObject
  readonly actor?: string
}

/** An event of a type that no catalogue knows, unless it is given one: the log does not look at types. */
export function testEvent(input: TestEventInput = {}): NewEvent {
  const { id = 'thing', kind = 'package', type = 'v1.package.touched', payload = {}, actor = 'tester' } = input
  const payloadJson = canonicalJson(payload)
  return { eventType: type, subjectKind: kind, subjectId: id, actor, payloadJson, payloadDigest: blake3(payloadJson) }
}

/** An append of these events with a key of its own, unless one is given. */
export function testAppend(
  events: NewEvent | readonly [NewEvent, ...NewEvent[]],
  { conditions = [], key = crypto.randomUUID() }: { conditions?: readonly Condition[]; key?: string } = {},
): Append {
  return { key, conditions, events: 'eventType' in events ? [events] : events }
}

export function subject(id = 'thing', kind = 'package') {
  return { kind, id }
}

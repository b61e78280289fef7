import { randomUUID } from 'node:crypto'
import { makeEvent, type NewEvent, newPackageId } from '@artifact-store/core'
import type { AppendPort } from '@artifact-store/log'
import { samplePayload } from '../append/contender.ts'

/** An event about a package of its own. */
export function sampleEvent(number: number): NewEvent {
  return makeEvent({
    type: 'v1.package.created',
    subjectId: newPackageId(),
    actor: 'user:alice@example.com',
    payload: samplePayload(number) as never,
  })
}

/** Appends an event as a caller does that makes one thing. @returns its sequence. */
export async function appendOne(log: AppendPort, event: NewEvent): Promise<number> {
  const outcome = await log.append({ key: randomUUID(), conditions: [], events: [event] })
  if (outcome.outcome !== 'appended') throw new Error(`the append was answered by ${outcome.outcome}`)
  return outcome.lastSequence
}

/** Appends so many events, a thousand at a time. */
export async function fill(log: AppendPort, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1000) {
    const [first, ...others] = Array.from({ length: Math.min(1000, count - done) }, (_, i) => sampleEvent(done + i))
    if (first) await log.append({ key: randomUUID(), conditions: [], events: [first, ...others] })
  }
}

import type { StoredEvent } from '@artifact-store/core'
import { eventSource, toCloudEvent } from '@artifact-store/log'

/** An event is sent to many; its text is made once, and lives as long as the event. */
const frames = new WeakMap<StoredEvent, string>()

/** An event as CloudEvents JSON (structured mode). The payload goes as the bytes that were hashed. */
export function cloudEventJson(event: StoredEvent): string {
  const { data: _, ...attributes } = toCloudEvent(event, eventSource)
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${event.payloadJson}}`
}

/** An event as one of a `text/event-stream` (HTML standard, section 9.2): named by its type, and with its sequence as its id. */
export function eventFrame(event: StoredEvent): string {
  let frame = frames.get(event)
  if (frame === undefined) {
    // No line may break where it should not: JSON escapes breaks, and a type that has some has no name here.
    const name = /[\r\n]/.test(event.eventType) ? '' : `event: ${event.eventType}\n`
    frame = `id: ${event.sequence}\n${name}data: ${cloudEventJson(event)}\n\n`
    frames.set(event, frame)
  }
  return frame
}

/** An id without data: it is remembered as the last one, and no event is fired. Everything that is asked for up to it has been sent. */
export function positionFrame(position: number): string {
  return `id: ${position}\n\n`
}

/** Says that the stream lives. */
export const heartbeatFrame = ': still here\n\n'

/** What a stream begins with: that it is there, and how long to wait, in milliseconds, before connecting again. */
export const openingFrame = 'retry: 1000\n: connected\n\n'

import type { StoredEvent } from '@artifact-store/core'

/** What an event takes beside its payload, roughly. */
const envelopeBytes = 500

/** How much memory events take, roughly: their texts, as they were read and as they are sent. */
export function payloadBytes(events: readonly StoredEvent[]): number {
  return events.reduce((sum, { payloadJson }) => sum + payloadJson.length + envelopeBytes, 0)
}

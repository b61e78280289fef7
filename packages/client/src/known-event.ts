import { type EventType, type JsonObject, type PayloadOf, readPayload } from '@artifact-store/core'
import type { StoreEvent } from './store-event.ts'

/** An event whose type this client knows, in the newest version that it knows, with `data` typed accordingly. */
export type KnownStoreEvent<T extends EventType = EventType> = {
  [K in T]: Omit<StoreEvent, 'type' | 'data' | 'payloaddigest'> & { readonly type: K; readonly data: PayloadOf<K> }
}[T]

/**
 * The event as its newest version says it: one that was written in an older version is lifted, so that a program handles one version of each
 * fact however old the log is. Undefined for a type, or a version, that this client does not know: pass over it, or update the client.
 * The event itself, its `type` and its `payloaddigest` stay what the store has.
 */
export function asKnownEvent(event: StoreEvent): KnownStoreEvent | undefined {
  const read = readPayload(event.type, event.data as JsonObject)
  return read && ({ ...event, type: read.eventType, data: read.payload } as KnownStoreEvent)
}

import type { StoredEvent } from '@artifact-store/core'
import { ceHeaders, defaultStreamName, defaultSubjectPrefix, eventSource, natsSubject } from '@artifact-store/log'
import { headers, type StreamConfig } from 'nats'
import type { StoreWithNats } from './store-with-nats.ts'

/** The stream as a relay makes it, with what a test wants to be otherwise. */
export function streamConfig(given: Partial<StreamConfig> = {}): Partial<StreamConfig> & { name: string } {
  return { name: defaultStreamName, subjects: [`${defaultSubjectPrefix}.>`], ...given }
}

/** Puts events into the stream as a relay does, each after a change of its message. */
export async function publishCopies(
  store: StoreWithNats,
  events: readonly StoredEvent[],
  change: (event: StoredEvent) => { headers?: Record<string, string>; body?: string } = () => ({}),
): Promise<void> {
  await store.askNats(async (_, connection) => {
    for (const event of events) {
      const changed = change(event)
      const head = headers()
      for (const [name, value] of Object.entries({ ...ceHeaders(event, eventSource), ...changed.headers })) head.set(name, value)
      await connection.jetstream().publish(natsSubject(event), changed.body ?? event.payloadJson, { headers: head })
    }
  })
}

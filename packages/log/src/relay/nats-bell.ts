import type { Bell } from '../bell.ts'
import { defaultSubjectPrefix } from '../cloud-event.ts'
import type { NatsConnection } from './broker.ts'

/**
 * Rings the bell for every event that is published, and when the connection is back after a loss, as events may have gone by
 * unheard. A core subscription: it may hear an event twice, or one that the stream refuses, which a bell may.
 * @returns stops the ringing when disposed of.
 */
export function natsBell(
  options: { readonly connection: NatsConnection; readonly subjectPrefix?: string | undefined },
  bell: Bell,
): Disposable {
  const { connection, subjectPrefix = defaultSubjectPrefix } = options
  let listening = true
  const subscription = connection.subscribe(`${subjectPrefix}.>`, { callback: () => bell.ring() })
  async function watch(): Promise<void> {
    for await (const status of connection.status()) {
      if (!listening) return
      if (status.type === 'reconnect') bell.ring()
    }
  }
  void watch()
  return {
    [Symbol.dispose]() {
      listening = false
      if (!subscription.isClosed()) subscription.unsubscribe()
    },
  }
}

import type { RecordedEvent } from '@artifact-store/core'
import type { LogReader } from '../event-log.ts'

/** The same log, whose reads end with the signal, by its reason: a database that does not answer holds up nobody who is told to stop. */
export function interruptible(log: LogReader<RecordedEvent>, signal: AbortSignal): LogReader<RecordedEvent> {
  return {
    fetchSince: (after, limit) => unlessAborted(() => log.fetchSince(after, limit), signal),
    head: () => unlessAborted(() => log.head(), signal),
  }
}

async function unlessAborted<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([read(), aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

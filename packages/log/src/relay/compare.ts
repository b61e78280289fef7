import { headersDescribe } from '../cloud-event.ts'
import type { LogReader } from '../event-log.ts'
import type { EventStream, StreamLook } from './event-stream.ts'

/** How the stream stands to the log. */
export type Standing =
  /** The stream is the log's beginning, up to `after`: publish what follows. */
  | { readonly standing: 'in-step'; readonly after: number; readonly logSequence: number }
  /** It is not there, or something is missing in it, and it holds nothing that the log does not: make it anew. */
  | {
      readonly standing: 'lost'
      readonly seen: StreamLook | undefined
      readonly firstSequence: number
    }
  /** It holds what the log does not: two histories, and only a person can say which one is right. */
  | { readonly standing: 'forked'; readonly streamSequence: number; readonly logSequence: number; readonly message: string }

/** Looks at the stream and compares it with the log. */
export async function compare(log: LogReader, stream: EventStream, signal: AbortSignal): Promise<Standing> {
  // The stream first: a relay publishes only what is committed, so the log, read later, has all that any relay put there.
  const seen = await stream.look(signal)
  const logSequence = await log.head()
  if (!seen) return { standing: 'lost', seen, firstSequence: Math.max(1, logSequence - stream.keeps + 1) }
  const streamSequence = seen.lastSequence
  const contradiction = streamSequence > logSequence ? aheadOf(logSequence, seen) : await otherEvent(log, seen)
  if (contradiction) {
    return {
      standing: 'forked',
      streamSequence,
      logSequence,
      message: `the stream ${stream.name} ${contradiction}. ${wayOut(stream.name)}`,
    }
  }
  if (seen.complete) return { standing: 'in-step', after: streamSequence, logSequence }
  // Only a stream without limits is found incomplete, and it is made anew without them.
  return { standing: 'lost', seen, firstSequence: 1 }
}

function aheadOf(logSequence: number, seen: StreamLook): string {
  return (
    `is at ${seen.lastSequence} but the log only at ${logSequence}: the stream holds events that this log does not have ` +
    '(an older copy of the database was restored, or the stream belongs to another log)'
  )
}

/** Undefined when the stream's last message is the log's event of that number, or is not there to be compared. */
async function otherEvent(log: LogReader, { lastSequence, lastHeaders }: StreamLook): Promise<string | undefined> {
  if (!lastHeaders) return undefined
  const [event] = await log.fetchSince(lastSequence - 1, 1)
  if (event && headersDescribe(lastHeaders, event)) return undefined
  const inStream = `${lastHeaders['ce-type'] ?? 'a message that is no event'} of ${lastHeaders['ce-time'] ?? 'unknown time'}`
  const inLog = event ? `${event.eventType} of ${event.createdAt.toISOString()}` : 'nothing'
  return `and the log hold different events under number ${lastSequence}: the stream has ${inStream}, the log ${inLog}`
}

function wayOut(name: string): string {
  return (
    `Publishing has stopped. Find out which one is right: if it is the log, remove the stream ("nats stream rm ${name}") and it is ` +
    'refilled from the log by itself; if it is the stream, restore the newer database'
  )
}

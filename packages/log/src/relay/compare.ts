import type { RecordedEvent } from '@artifact-store/core'
import { headersDescribe } from '../cloud-event.ts'
import type { LogReader } from '../event-log.ts'
import type { EventStream, MessageHeaders, StreamLook } from './event-stream.ts'

/** How the stream stands to the log. */
export type Standing =
  /** The stream is the log's beginning, up to `after`: publish what follows. */
  | {
      readonly standing: 'in-step'
      readonly seen: StreamLook
      readonly after: number
      readonly logSequence: number
      /** Was not there, this first time: to be looked at again. */
      readonly suspect: Suspect | undefined
    }
  /** It is not there, or something is missing in it, and it holds nothing that the log does not: make it anew. */
  | {
      readonly standing: 'lost'
      readonly seen: StreamLook | undefined
      readonly firstSequence: number
    }
  /** It holds what the log does not: two histories, and only a person can say which one is right. */
  | { readonly standing: 'forked'; readonly streamSequence: number; readonly logSequence: number; readonly message: string }

/** A number at which the stream seemed to differ from the log, and how often it was not there. */
export interface Suspect {
  readonly sequence: number
  readonly missed: number
}

export interface Comparison {
  readonly log: LogReader<RecordedEvent>
  readonly stream: EventStream
  /** Is looked at too, when given. */
  readonly suspect?: Suspect | undefined
  readonly signal: AbortSignal
}

/** Looks at the stream and compares it with the log: its length, its last message, and what was suspected. */
export async function compare({ log, stream, suspect, signal }: Comparison): Promise<Standing> {
  // The stream first: a relay publishes only what is committed, so the log, read later, has all that any relay put there.
  const seen = await stream.look(signal)
  const logSequence = await log.head()
  if (!seen) return { standing: 'lost', seen, firstSequence: Math.max(1, logSequence - stream.keeps + 1) }
  const forked = (contradiction: string): Standing => ({
    standing: 'forked',
    streamSequence: seen.lastSequence,
    logSequence,
    message: `the stream ${stream.name} ${contradiction}. ${wayOut(stream.name)}`,
  })
  if (seen.lastSequence > logSequence) return forked(aheadOf(logSequence, seen))
  const otherAtEnd = seen.lastHeaders && (await otherEvent(log, seen.lastSequence, seen.lastHeaders))
  if (otherAtEnd) return forked(otherAtEnd)
  const suspicion = suspect && (await examine(suspect, { log, stream, seen, signal }))
  if (suspicion?.contradiction) return forked(suspicion.contradiction)
  if (isWhole(seen) && !suspicion?.gone)
    return { standing: 'in-step', seen, after: seen.lastSequence, logSequence, suspect: suspicion?.remains }
  return { standing: 'lost', seen, firstSequence: seen.limited ? seen.firstSequence : 1 }
}

/** As far as the stream knows: nothing is missing from its first number to its last, and none before that but by a limit of its own. */
function isWhole({ firstSequence, lastSequence, messages, limited, thinned }: StreamLook): boolean {
  return thinned || messages === lastSequence - (limited ? firstSequence : 1) + 1
}

interface Suspicion {
  readonly contradiction?: string | undefined
  /** It is not there, and was not before. */
  readonly gone?: boolean
  /** To be looked at again. */
  readonly remains?: Suspect | undefined
}

async function examine(
  { sequence, missed }: Suspect,
  { log, stream, seen, signal }: { log: LogReader<RecordedEvent>; stream: EventStream; seen: StreamLook; signal: AbortSignal },
): Promise<Suspicion> {
  if (sequence < seen.firstSequence || sequence > seen.lastSequence) return {}
  const headers = await stream.headersAt(sequence, signal)
  if (headers) return { contradiction: await otherEvent(log, sequence, headers) }
  if (seen.thinned) return {}
  // A broker says so as well of a message that it failed to read this once, and making a stream anew takes its consumers away.
  return missed > 0 ? { gone: true } : { remains: { sequence, missed: missed + 1 } }
}

function aheadOf(logSequence: number, seen: StreamLook): string {
  return (
    `is at ${seen.lastSequence} but the log only at ${logSequence}: the stream holds events that this log does not have ` +
    '(an older copy of the database was restored, or the stream belongs to another log)'
  )
}

/** Undefined when these are the headers of the log's event of that number. */
async function otherEvent(log: LogReader<RecordedEvent>, sequence: number, headers: MessageHeaders): Promise<string | undefined> {
  const [event] = await log.fetchSince(sequence - 1, 1)
  if (event && headersDescribe(headers, event)) return undefined
  const inStream = `${headers['ce-type'] ?? 'a message that is no event'} of ${headers['ce-time'] ?? 'unknown time'}`
  const inLog = event ? `${event.eventType} of ${event.createdAt.toISOString()}` : 'nothing'
  return `and the log hold different events under number ${sequence}: the stream has ${inStream}, the log ${inLog}`
}

function wayOut(name: string): string {
  return (
    `Publishing has stopped. Find out which one is right: if it is the log, remove the stream ("nats stream rm ${name}") and it is ` +
    'refilled from the log by itself; if it is the stream, restore the newer database'
  )
}

import {
  ArtifactError,
  type EventSelection,
  eventSelector,
  isTypeFamily,
  releasedDefinition,
  type StoredEvent,
} from '@artifact-store/core'
import type { EventFilter, LogPage, PagedLogReader } from '@artifact-store/log'
import { payloadBytes } from './payload-bytes.ts'
import type { TypesInLog } from './types-in-log.ts'

/** A stretch of the log, as far as it was asked for. */
export interface EventPage {
  /** In order, each once. */
  readonly events: readonly StoredEvent[]
  /** Up to where was read: whatever is asked for up to here has been given. The next page is after it. */
  readonly position: number
  /** Whether that was the log's end at the time. */
  readonly atEnd: boolean
}

/** The log, narrowed to what someone asks for. */
interface SelectedLog {
  /**
   * What comes after a position: at most `limit` events, and about `bytes` of them. A page may well be shorter than there is to give; `atEnd`
   * says when it is not.
   * @throws ArtifactError `invalid-request` when the log ends before that position.
   */
  page(after: number, limit: number, bytes: number): Promise<EventPage>
}

export type SelectLog = (selection: EventSelection) => SelectedLog

export interface SelectedLogOptions {
  /** The log, narrowed as far as its indexes go. */
  readonly read: (filter?: EventFilter) => PagedLogReader
  readonly types: TypesInLog
}

/** The most reads that one page may take, where what is read is mostly not what is asked for. */
const maxReads = 20

/** Reads what selections ask for, by index wherever there is one. */
export function selectLog({ read, types }: SelectedLogOptions): SelectLog {
  // Payloads of one log are alike: the last read tells how many of the next make a megabyte or two.
  let typicalBytes = 1024

  async function fetch(log: PagedLogReader, after: number, limit: number): Promise<LogPage> {
    const page = await log.page(after, limit)
    if (page.events.length > 0) typicalBytes = Math.max(1, payloadBytes(page.events) / page.events.length)
    return page
  }

  return selection => {
    const isSelected = eventSelector(selection)
    return {
      async page(after, limit, maxBytes) {
        const { filter, end } = await narrow(selection, types)
        const log = read(filter)
        // What is read may reach further than the end that is asked for first, but what was left out may not.
        const head = end ?? (await log.head())
        if (after > head) throw beyondTheEnd(after, head)
        const events: StoredEvent[] = []
        let bytes = 0
        let position = after
        for (let reads = 0; reads < maxReads && events.length < limit && bytes < maxBytes; reads++) {
          const size = Math.max(1, Math.min(limit - events.length, 1000, Math.ceil((maxBytes - bytes) / typicalBytes)))
          const found = await fetch(log, position, size)
          const within = end === undefined ? found.events : found.events.filter(({ sequence }) => sequence <= end)
          for (const event of within) {
            if (bytes >= maxBytes) break
            position = event.sequence
            if (!isSelected(event)) continue
            events.push(event)
            bytes += payloadBytes([event])
          }
          if (bytes >= maxBytes) break
          // All of it was taken, and what was passed over on the way is none that was asked for.
          position = Math.max(position, Math.min(found.position ?? head, head))
          if (position >= head) break
        }
        return { events, position, atEnd: position >= head }
      },
    }
  }
}

/**
 * What of a selection the log can be asked for. A family of types, or a kind of subject, becomes the types that there are; the answer
 * holds up to `end`, behind which a type may be that was not known yet.
 */
async function narrow(
  { types, subject }: EventSelection,
  typesInLog: TypesInLog,
): Promise<{ readonly filter: EventFilter; readonly end?: number }> {
  // A subject has few events: they are read by its index, and the types looked at here.
  if (subject?.id !== undefined) {
    const exact = types?.some(isTypeFamily) ? undefined : types
    return { filter: { subject: { kind: subject.kind, id: subject.id }, types: exact } }
  }
  const named = types === undefined ? subject === undefined : !types.some(isTypeFamily)
  if (named) return { filter: { types } }
  const known = await typesInLog.look()
  const isAsked = eventSelector({ types })
  const isPossible = (type: string) =>
    isAsked({ eventType: type, subjectKind: '', subjectId: '' }) &&
    // What the catalogue knows is about one kind of subject; of others, each event says it.
    (subject === undefined || (releasedDefinition(type)?.subject ?? subject.kind) === subject.kind)
  return { filter: { types: [...known.types].filter(isPossible) }, end: known.position }
}

function beyondTheEnd(after: number, head: number): ArtifactError {
  return new ArtifactError(
    'invalid-request',
    `the log ends at ${head}, so nothing can have been read up to ${after}: the position is another store's, or this one was restored from an older copy`,
    { details: { after, head } },
  )
}

import type { NewEvent, RecordedEvent, StoredEvent, Subject } from '@artifact-store/core'

/** What must hold, under the log's lock, for an append to be accepted. */
export type Condition =
  /** The subject's last revision is exactly this; 0: it has no event yet. */
  | { readonly subject: Subject; readonly revision: number }
  /** The subject's `…finalized` or `…discarded` has not happened. */
  | { readonly subject: Subject; readonly unsealed: true }

/** Some events that become part of the log together or not at all; several subjects may change at once. */
export interface Append {
  /** The idempotency key: a repeat with the same events is answered as the first was. At most 200 characters. */
  readonly key: string
  readonly conditions: readonly Condition[]
  readonly events: readonly [NewEvent, ...NewEvent[]]
  /** Where whoever asks for it is in its trace (W3C Trace Context, version 00); no part of what is appended. */
  readonly traceparent?: string | undefined
}

/** What became of an append. A refusal is a value: the caller looks again and decides anew. */
export type AppendOutcome =
  | {
      readonly outcome: 'appended' | 'repeated'
      readonly firstSequence: number
      readonly lastSequence: number
      readonly createdAt: Date
    }
  | {
      readonly outcome: 'conflict'
      readonly reason: 'revision' | 'sealed'
      readonly subject: Subject
      /** The subject's revision at `head`. */
      readonly currentRevision: number
      /** The log's last sequence when this was judged: a view at it has seen what stood in the way. */
      readonly head: number
    }
  /** The key was used for other events, which are at these sequences. */
  | { readonly outcome: 'key-reused'; readonly firstSequence: number; readonly lastSequence: number }

/** Accepts appends, wherever the log is. */
export interface AppendPort {
  /** Safe to call again with the same append after any failure, also after one that left the outcome unknown. An abort before it is
   * sent leaves it undone; after that, it gives up the answer only.
   * @throws ArtifactError `log-unavailable`, `overloaded`, `digest-mismatch`, or `invalid-request` when the log cannot hold the events;
   * the signal's reason. */
  append(append: Append, options?: { signal?: AbortSignal | undefined }): Promise<AppendOutcome>
}

/** Reads the log in its order. As sequences are gapless and become visible in order, `sequence > after` never skips an event. */
export interface LogReader<Event extends RecordedEvent = StoredEvent> {
  /** At most `limit` events (1 to 10,000) after that sequence, in order. */
  fetchSince(after: number, limit: number): Promise<readonly Event[]>
  /** The last sequence; 0 for an empty log. */
  head(): Promise<number>
}

/** Some of the log, as far as it was read. */
export interface LogPage<Event extends RecordedEvent = StoredEvent> {
  /** In order. */
  readonly events: readonly Event[]
  /** Up to where was read: whatever is asked for up to here has been given. Undefined: up to the end of the log. */
  readonly position: number | undefined
}

/** A reader that tells how far it got: where much has to be looked at for few events, it need not be done in one go. */
export interface PagedLogReader<Event extends RecordedEvent = StoredEvent> extends LogReader<Event> {
  /** At most `limit` events (1 to 10,000) after that sequence; fewer do not mean that there are no more. */
  page(after: number, limit: number): Promise<LogPage<Event>>
}

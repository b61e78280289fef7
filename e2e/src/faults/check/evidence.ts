import type { History, Shown } from '../history.ts'

/** An event as the table of the log has it. */
export interface LogEvent {
  readonly sequence: number
  readonly revision: number
  readonly type: string
  readonly kind: string
  readonly id: string
  readonly actor: string
  /** RFC 3339 in UTC with milliseconds. */
  readonly time: string
  readonly payloadJson: string
  /** As stored, in hex. */
  readonly digest: string
  /** The BLAKE3 of the payload's bytes, computed from them; in hex. */
  readonly computedDigest: string
}

/** What the parts of the system hold when all is healed and nothing moves any more. */
export interface Remains {
  /** False when it could not all be looked at; `unsettled` then says why. */
  readonly isWhole: boolean
  readonly log: readonly LogEvent[]
  /** All messages of the event stream, in its order, each under the stream's own number. */
  readonly stream: readonly Shown[]
  readonly views: { readonly position: number; readonly digest: string }
  /** The same of a fresh replay of the log. */
  readonly replayed: { readonly position: number; readonly digest: string }
  /** Blobs by their digest: whether the bytes under it have it. */
  readonly blobs: ReadonlyMap<string, 'right' | 'wrong' | 'missing'>
  /** Processes that ended although nobody had killed them. */
  readonly ownEnds: readonly string[]
  /** What did not come about within the time that there is for settling, e.g. that the views reach the log's head. */
  readonly unsettled: readonly string[]
}

/** All that the checker judges by. */
export interface Evidence {
  readonly history: History
  readonly remains: Remains
}

/** A promise that was not kept. */
export interface Violation {
  readonly rule: string
  readonly message: string
}

/** One promise: finds where it was not kept. */
export type Rule = (evidence: Evidence, log: LogIndex) => Iterable<string>

/** The log as the rules ask for it. */
export interface LogIndex {
  readonly head: number
  at(sequence: number): LogEvent | undefined
  /** All events of that actor, which for a sent event is at most one unless it was doubled. */
  byActor(actor: string): readonly LogEvent[]
  /** In the log's order. */
  ofSubject(kind: string, id: string): readonly LogEvent[]
  /** The subject's last revision at that position; 0 before its first event. */
  revisionAt(kind: string, id: string, position: number): number
  /** Where the subject was sealed at or before that position. */
  sealAt(kind: string, id: string, position: number): LogEvent | undefined
}

import type { RecordedEvent } from '@artifact-store/core'

/** The CloudEvents headers of a message, names in lower case. */
export type MessageHeaders = Readonly<Record<string, string | undefined>>

/** What a look at the stream showed. */
export interface StreamLook {
  /** Tells this stream from a later one of its name. */
  readonly incarnation: string
  /** The first number that it holds; one more than the last when it holds none. */
  readonly firstSequence: number
  /** The last number that it gave; 0 before the first message. */
  readonly lastSequence: number
  /** Messages that it says it holds. */
  readonly messages: number
  /** The bytes of these. */
  readonly bytes: number
  /** It has a limit of its own, so its beginning may rightly be gone. */
  readonly limited: boolean
  /** It has a limit that also takes messages out of its middle. */
  readonly thinned: boolean
  /** Those of the message at its last number; undefined when it does not hold that message any more. */
  readonly lastHeaders: MessageHeaders | undefined
}

/** What became of a batch. `refused`: a relay beside us was first with its first event or its last; some of it may be in the stream. */
export type Publication = 'accepted' | 'refused'

/**
 * A broker's numbered copy of the log. Its numbers are the log's: a message is taken only right behind the one before it, so
 * a repeat or a second relay can neither double an event nor leave one out.
 *
 * Every method throws ArtifactError `backend-unavailable` when the broker does not answer or refuses for a reason of its own, and
 * `configuration` when the stream of that name was made for something else.
 */
export interface EventStream {
  readonly name: string
  /** The most messages that a stream made here keeps; Infinity when it has no such limit. */
  readonly keeps: number
  /** Undefined when there is no stream. */
  look(signal?: AbortSignal): Promise<StreamLook | undefined>
  /** The headers of the message with that number; undefined when the stream does not hold it. */
  headersAt(sequence: number, signal?: AbortSignal): Promise<MessageHeaders | undefined>
  /** The headers of what the stream holds from `from` up to `to`, by number, read by a cheaper way that may lag behind. */
  headersBetween(from: number, to: number, signal?: AbortSignal): Promise<ReadonlyMap<number, MessageHeaders>>
  /**
   * Makes the stream, empty, so that its first message gets that number, in place of the one that was looked at and with its
   * configuration. A stream that another relay made meanwhile stays: look again.
   */
  replace(seen: StreamLook | undefined, firstSequence: number): Promise<void>
  /**
   * Appends consecutive events of the log, pipelined. The next ones may be given before these are answered. After `refused`,
   * look again.
   */
  publish(events: readonly [RecordedEvent, ...RecordedEvent[]], signal?: AbortSignal): Promise<Publication>
}

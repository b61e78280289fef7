import type { StoredEvent } from '@artifact-store/core'

/** What a look at the stream showed. */
export interface StreamLook {
  /** Tells this stream from a later one of its name. */
  readonly incarnation: string
  /** The last number that it gave; 0 before the first message. */
  readonly lastSequence: number
  /** Nothing is missing from 1 to its last number, or it has limits of its own and may rightly lack something. */
  readonly complete: boolean
  /** The CloudEvents headers of the message at its last number; undefined when it does not hold that message any more. */
  readonly lastHeaders: Readonly<Record<string, string | undefined>> | undefined
}

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
  /**
   * Makes the stream, empty, so that its first message gets that number, in place of the one that was looked at and with its
   * configuration. A stream that another relay made meanwhile stays: look again.
   */
  replace(seen: StreamLook | undefined, firstSequence: number): Promise<void>
  /**
   * Appends consecutive events of the log, pipelined. `refused`: the stream's last number was not the one before; some of them may
   * be in it all the same. Look again.
   */
  publish(events: readonly [StoredEvent, ...StoredEvent[]], signal?: AbortSignal): Promise<'accepted' | 'refused'>
}

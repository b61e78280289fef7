import type { RecordedEvent } from '@artifact-store/core'
import { headersDescribe } from '../cloud-event.ts'
import type { LogReader } from '../event-log.ts'
import type { EventStream, StreamLook } from './event-stream.ts'
import { spread } from './spread.ts'

export interface AuditOptions {
  readonly log: LogReader<RecordedEvent>
  readonly stream: EventStream
}

/** Compares parts of the stream with the log. Reading also makes the broker notice what has happened to its files: until it opens
 * them, it counts what they should hold. */
export interface Audit {
  /**
   * Compares the newest messages and some stretches of the others. These lie where earlier ones were farthest away, so damage
   * of one part in n of the stream is met within about n stretches, and all has been read in the time that it takes to read it twice.
   * @returns a number at which the two seem to differ or which seems to be missing in the stream; undefined when there was none.
   */
  some(seen: StreamLook, stretches: number, signal: AbortSignal): Promise<number | undefined>
  /** The same for all from one number up to another. */
  between(seen: StreamLook, from: number, to: number, signal: AbortSignal): Promise<number | undefined>
}

export function createAudit({ log, stream }: AuditOptions): Audit {
  let index = 0
  return {
    async some(seen, stretches, signal) {
      const length = stretchLength(seen)
      const parts = Math.ceil((seen.lastSequence - seen.firstSequence + 1) / length)
      let suspect = await compareStretch(seen, seen.lastSequence - length + 1, seen.lastSequence, signal)
      for (let left = Math.min(stretches, parts - 1); left > 0 && suspect === undefined && !signal.aborted; left -= 1) {
        const from = seen.firstSequence + Math.floor(spread(index++) * parts) * length
        suspect = await compareStretch(seen, from, from + length - 1, signal)
      }
      return suspect
    },
    async between(seen, from, to, signal) {
      const length = stretchLength(seen)
      let suspect: number | undefined
      for (let start = from; start <= to && suspect === undefined && !signal.aborted; start += length)
        suspect = await compareStretch(seen, start, Math.min(to, start + length - 1), signal)
      return suspect
    },
  }

  async function compareStretch(seen: StreamLook, start: number, end: number, signal: AbortSignal): Promise<number | undefined> {
    const [from, to] = [Math.max(start, seen.firstSequence), Math.min(end, seen.lastSequence)]
    if (from > to) return undefined
    const [inStream, inLog] = await Promise.all([
      stream.headersBetween(from, to, signal),
      log.fetchSince(from - 1, to - from + 1),
    ])
    for (const event of inLog) {
      const headers = inStream.get(event.sequence)
      if (headers ? !headersDescribe(headers, event) : !seen.thinned) return event.sequence
    }
    // What the stream holds and the log does not is at its end, where every look compares the two.
    return undefined
  }
}

const longestStretch = 512
const stretchBytes = 1024 * 1024

/** As many messages as make a megabyte: the log's payloads are read with them. */
function stretchLength({ messages, bytes }: StreamLook): number {
  return Math.max(1, Math.min(longestStretch, Math.floor((stretchBytes * messages) / Math.max(1, bytes))))
}

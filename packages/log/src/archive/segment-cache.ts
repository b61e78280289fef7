import type { SegmentEntry } from './open-segment.ts'
import type { Segment } from './segment.ts'

/** The segments that were read last, as many as fit into so many bytes. Who asks for one that is on its way waits for it. */
export interface SegmentCache {
  /** @throws what opening it throws; whoever comes next tries again. */
  open(entry: SegmentEntry): Promise<Segment>
}

/** Segments are opened two at a time, so that memory is bounded by `maxBytes` and two more, however many ask. */
export function segmentCache(open: (entry: SegmentEntry) => Promise<Segment>, maxBytes: number): SegmentCache {
  const kept = new Map<string, Segment>()
  const opening = new Map<string, Promise<Segment>>()
  const turn = turns(openAtOnce)
  let bytes = 0

  function keep(key: string, segment: Segment): void {
    bytes += segment.bytes
    kept.set(key, segment)
    for (const [oldest, { bytes: freed }] of kept) {
      if (bytes <= maxBytes) break
      kept.delete(oldest)
      bytes -= freed
    }
  }

  return {
    async open(entry) {
      const key = `${entry.digest} ${entry.firstSequence}`
      const known = kept.get(key)
      if (known) {
        // Those used last are at the end.
        kept.delete(key)
        kept.set(key, known)
        return known
      }
      const underway = opening.get(key)
      if (underway) return underway
      const opened = turn(() => open(entry))
        .then(segment => {
          keep(key, segment)
          return segment
        })
        .finally(() => opening.delete(key))
      opening.set(key, opened)
      return opened
    },
  }
}

const openAtOnce = 2

/** Runs so many at a time, the others in the order in which they came. */
function turns(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = atOnce
  return async work => {
    if (free > 0) free -= 1
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}

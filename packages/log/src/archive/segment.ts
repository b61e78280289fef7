import type { StoredEvent } from '@artifact-store/core'
import type { EventFilter } from '../event-filter.ts'
import { lineHints, malformed, parseEventLine } from './segment-lines.ts'

/** A segment in memory: the lines of its events, decompressed, each parsed when it is asked for. */
export class Segment {
  readonly first: number
  readonly last: number
  /** What it takes in memory. */
  readonly bytes: number
  readonly #lines: Buffer
  /** Where each line begins, and where the last one ends. */
  readonly #starts: Uint32Array

  /** @throws ArtifactError `archive-damaged` when these are not so many lines. */
  constructor(first: number, last: number, lines: Buffer) {
    this.first = first
    this.last = last
    this.#lines = lines
    this.#starts = startsOf(lines, last - first + 1)
    this.bytes = lines.length + this.#starts.byteLength
  }

  /** At most `limit` of its events after that sequence, in order, that pass the filter. */
  events(after: number, limit: number, filter: EventFilter): StoredEvent[] {
    const found: StoredEvent[] = []
    const next = this.#search(filter)
    for (
      let line = next(Math.max(0, after + 1 - this.first));
      line !== undefined && found.length < limit;
      line = next(line + 1)
    ) {
      const event = this.#event(line)
      if (passes(event, filter)) found.push(event)
    }
    return found
  }

  #event(line: number): StoredEvent {
    const [start, end] = [this.#starts[line] ?? 0, this.#starts[line + 1] ?? 0]
    const { append: _, ...event } = parseEventLine(this.#lines.toString('utf8', start, end - 1))
    if (event.sequence !== this.first + line)
      throw malformed(`where event ${this.first + line} should be, there is ${event.sequence}`)
    return event
  }

  /** Finds the next line, from one on, that may pass the filter, mostly without parsing those that do not. */
  #search({ types, subject }: EventFilter): (from: number) => number | undefined {
    const count = this.last - this.first + 1
    if (!types && !subject) return from => (from < count ? from : undefined)
    const hints = subject ? [lineHints.subjectId(subject.id)] : (types ?? []).map(lineHints.type)
    const hits = hints.map(hint => ({ hint, at: -1 }))
    return from => {
      const start = this.#starts[from]
      if (from >= count || start === undefined) return undefined
      let nearest: number | undefined
      for (const hit of hits) {
        if (hit.at < start) hit.at = indexOf(this.#lines, hit.hint, start)
        nearest = Math.min(nearest ?? hit.at, hit.at)
      }
      return nearest === undefined || nearest === Number.POSITIVE_INFINITY ? undefined : this.#lineAt(nearest)
    }
  }

  /** The line that holds this byte. */
  #lineAt(at: number): number {
    let [low, high] = [0, this.#starts.length - 2]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#starts[middle] ?? 0) <= at) low = middle
      else high = middle - 1
    }
    return low
  }
}

function passes({ eventType, subjectKind, subjectId }: StoredEvent, { types, subject }: EventFilter): boolean {
  if (types && !types.includes(eventType)) return false
  return !subject || (subject.kind === subjectKind && subject.id === subjectId)
}

function indexOf(bytes: Buffer, sought: Buffer, from: number): number {
  const at = bytes.indexOf(sought, from)
  return at < 0 ? Number.POSITIVE_INFINITY : at
}

const lineFeed = 0x0a

function startsOf(lines: Buffer, count: number): Uint32Array {
  const starts = new Uint32Array(count + 1)
  let at = 0
  for (let line = 1; line <= count; line++) {
    const end = lines.indexOf(lineFeed, at)
    if (end < 0) throw malformed(`it ends after ${line - 1} of ${count} events`)
    at = end + 1
    starts[line] = at
  }
  if (at !== lines.length) throw malformed(`it goes on after its ${count} events`)
  return starts
}

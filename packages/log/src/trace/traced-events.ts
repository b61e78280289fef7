/** Events that one append brought, and where it is in the trace of whoever asked for it (W3C `traceparent`). */
export interface TracedEvents {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly traceparent: string
}

/** Whether it is a `traceparent` as it travels: version 00 of W3C Trace Context. */
export function isTraceparent(value: unknown): value is string {
  return typeof value === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value)
}

/** Something that was done with a row of events. */
export interface Step {
  readonly firstSequence: number
  readonly lastSequence: number
  /** In milliseconds since 1970. */
  readonly begun: number
  readonly ended: number
}

/** Remembers for a while which events are traced, and what was done with events. */
export interface TraceMeeting {
  /** These events are traced; told again it changes nothing. */
  traced(events: TracedEvents): void
  /** This was done with these events, traced or not. */
  done(step: Step): void
  /** The trace of an event, if it is known. */
  traceparentOf(sequence: number): string | undefined
}

/**
 * Brings together what is told in any order: that events are traced, and that something was done with them. Both are told in memory and
 * by hearsay, so what is long past is forgotten, and a trace that is lost with a process is lost.
 * @param onMet told once for each step and each traced append that it took events of.
 */
export function createTraceMeeting(onMet: (events: TracedEvents, step: Step) => void): TraceMeeting {
  const bySequence = new Map<number, TracedEvents>()
  const steps: Step[] = []
  return {
    traced(events) {
      if (bySequence.has(events.firstSequence)) return
      for (let sequence = events.firstSequence; sequence <= events.lastSequence; sequence += 1) bySequence.set(sequence, events)
      forgetOldest(bySequence)
      for (const step of steps) if (haveCommon(events, step)) onMet(events, step)
    },
    done(step) {
      steps.push(step)
      if (steps.length > mostSteps) steps.shift()
      let last: TracedEvents | undefined
      for (let sequence = step.firstSequence; sequence <= step.lastSequence; sequence += 1) {
        const events = bySequence.get(sequence)
        if (events && events !== last) onMet(events, step)
        last = events
      }
    },
    traceparentOf: sequence => bySequence.get(sequence)?.traceparent,
  }
}

/** Traced events that are remembered: more than are under way at once, but for a rush. */
const mostKnown = 20_000
const mostSteps = 64

function forgetOldest(known: Map<number, TracedEvents>): void {
  // Many at once: a map goes past all that it has lost to find its first.
  if (known.size < mostKnown * 1.5) return
  for (const oldest of known.keys()) {
    if (known.size <= mostKnown) return
    known.delete(oldest)
  }
}

type Row = Pick<Step, 'firstSequence' | 'lastSequence'>

function haveCommon(one: Row, other: Row): boolean {
  return one.firstSequence <= other.lastSequence && other.firstSequence <= one.lastSequence
}

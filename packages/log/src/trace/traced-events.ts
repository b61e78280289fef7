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
  const known = new Map<number, TracedEvents>()
  const steps: Step[] = []
  return {
    traced(events) {
      if (known.has(events.firstSequence)) return
      known.set(events.firstSequence, events)
      forget(known)
      for (const step of steps) if (haveCommon(events, step)) onMet(events, step)
    },
    done(step) {
      steps.push(step)
      if (steps.length > mostSteps) steps.shift()
      for (const events of known.values()) if (haveCommon(events, step)) onMet(events, step)
    },
    traceparentOf(sequence) {
      const exact = known.get(sequence)
      if (exact) return exact.traceparent
      for (const events of known.values())
        if (events.firstSequence <= sequence && sequence <= events.lastSequence) return events.traceparent
      return undefined
    },
  }
}

/** Appends that are remembered: more than one batch may have. */
const mostKnown = 2000
const mostSteps = 64

function forget(known: Map<number, TracedEvents>): void {
  for (const oldest of known.keys()) {
    if (known.size <= mostKnown) return
    known.delete(oldest)
  }
}

type Row = Pick<Step, 'firstSequence' | 'lastSequence'>

function haveCommon(one: Row, other: Row): boolean {
  return one.firstSequence <= other.lastSequence && other.firstSequence <= one.lastSequence
}

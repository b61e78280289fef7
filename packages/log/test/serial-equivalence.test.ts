import type { NewEvent } from '@artifact-store/core'
import { type Append, type Condition, openPostgresLog } from '@artifact-store/log'
import { describe, expect, it } from 'vitest'
import { createModelLog, nameOf, verdictOf } from './model-log.ts'
import { subject, testAppend, testEvent } from './test-event.ts'
import { useTestLog } from './test-log.ts'

const test = await useTestLog()

describe('appends that are funnelled at the same time', () => {
  it.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    'are answered as if each had been alone, in the order of their coming (random appends, seed %i)',
    async seed => {
      const appends = randomAppends(generator(seed), 400)
      const batches: number[] = []
      const log = openPostgresLog(test.pool, { maxBatchEvents: 60, onBatch: ({ appends }) => void batches.push(appends) })
      const outcomes = await Promise.all(appends.map(append => log.append(append)))

      const model = createModelLog()
      expect(outcomes.map(verdictOf)).toEqual(appends.map(append => model.append(append)))
      const events = await log.fetchSince(0, 10_000)
      expect(events.map(e => e.sequence)).toEqual(Array.from({ length: events.length }, (_, i) => i + 1))
      const bySubject = Map.groupBy(events, e => nameOf({ kind: e.subjectKind, id: e.subjectId }))
      expect(new Map([...bySubject].map(([name, its]) => [name, its.map(e => e.actor)]))).toEqual(model.subjects)
      for (const its of bySubject.values()) expect(its.map(e => e.subjectRevision)).toEqual(its.map((_, i) => i + 1))
      expectSpansToFit(appends, outcomes, events)
      expect(batches.length).toBeLessThan(appends.length / 2)
      expect(Math.max(...batches)).toBeLessThanOrEqual(60)
    },
  )
})

/** An append's numbers are those of its events, and a repeat is answered with those of the first. */
function expectSpansToFit(
  appends: readonly Append[],
  outcomes: readonly Awaited<ReturnType<typeof test.log.append>>[],
  events: readonly { sequence: number; actor: string }[],
): void {
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.outcome !== 'appended' && outcome.outcome !== 'repeated') continue
    const span = events.slice(outcome.firstSequence - 1, outcome.lastSequence)
    expect(span.map(e => e.actor)).toEqual(appends[i]?.events.map(e => e.actor))
  }
}

function randomAppends(random: (below: number) => number, count: number): Append[] {
  const appends: Append[] = []
  for (let i = 0; i < count; i++) {
    const earlier = appends[random(appends.length)]
    const kind = random(10)
    if (kind === 0 && earlier) appends.push(earlier)
    else if (kind === 1 && earlier) appends.push({ ...randomAppend(random, i), key: earlier.key })
    else appends.push(randomAppend(random, i))
  }
  return appends
}

function randomAppend(random: (below: number) => number, number: number): Append {
  // Few subjects, so that appends are often in each other's way; and now and then a fresh one.
  const anySubject = () => subject(random(4) === 0 ? `fresh ${number}` : `s${random(25)}`, random(5) === 0 ? 'blob' : 'package')
  const subjects = [anySubject(), ...Array.from({ length: random(3) }, anySubject)] as const
  const seals = random(12) === 0
  const event = ({ kind, id }: { kind: string; id: string }, i: number): NewEvent =>
    testEvent({ kind, id, actor: `${number}.${i}`, type: seals && i === 0 ? 'v1.package.finalized' : 'v1.package.touched' })
  const [first, ...others] = subjects
  const conditions = [...subjects, anySubject()].flatMap((about): Condition[] => {
    const choice = random(5)
    if (choice < 2) return [{ subject: about, revision: random(4) }]
    return choice === 2 ? [{ subject: about, unsealed: true }] : []
  })
  return testAppend([event(first, 0), ...others.map((other, i) => event(other, i + 1))], { conditions, key: `key ${number}` })
}

/** Numbers from 0 below a bound, the same for the same seed (mulberry32). */
function generator(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return below === 0 ? 0 : ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

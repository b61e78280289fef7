import { createTraceMeeting, readTraces } from '@artifact-store/log'
import { expect, it } from 'vitest'

const traceparent = (n: number) => `00-${String(n).padStart(32, '0')}-${'b'.repeat(16)}-01`
const traced = (firstSequence: number, lastSequence = firstSequence) => ({
  firstSequence,
  lastSequence,
  traceparent: traceparent(firstSequence),
})
const step = (firstSequence: number, lastSequence: number) => ({ firstSequence, lastSequence, begun: 1, ended: 2 })

function meeting() {
  const met: string[] = []
  const {
    done,
    traced: tell,
    traceparentOf,
  } = createTraceMeeting((events, { firstSequence, lastSequence }) =>
    met.push(`${events.firstSequence} in ${firstSequence}-${lastSequence}`),
  )
  return { done, tell, traceparentOf, met }
}

it('a step and the trace of its events meet, whichever is told first, and once', () => {
  const { done, tell, met } = meeting()
  tell(traced(3))
  done(step(1, 5))
  tell(traced(4, 7))
  tell(traced(4, 7))
  done(step(6, 9))
  done(step(10, 12))
  expect(met).toEqual(['3 in 1-5', '4 in 1-5', '4 in 6-9'])
})

it('every event of an append has its trace, and others have none', () => {
  const { tell, traceparentOf } = meeting()
  tell(traced(4, 7))
  expect([3, 4, 6, 7, 8].map(traceparentOf)).toEqual([undefined, traceparent(4), traceparent(4), traceparent(4), undefined])
})

it('what is long past is forgotten, so that memory stays as it is', () => {
  const { done, tell, traceparentOf, met } = meeting()
  for (let n = 1; n <= 100_000; n += 1) tell(traced(n))
  expect(traceparentOf(1)).toBeUndefined()
  expect(traceparentOf(100_000)).toBe(traceparent(100_000))
  for (let n = 200_001; n <= 201_000; n += 1) done(step(n, n))
  tell(traced(200_001))
  tell(traced(201_000))
  expect(met).toEqual(['201000 in 201000-201000'])
})

it('what is no trace on the channel is passed over', () => {
  expect(readTraces('')).toEqual([])
  expect(
    readTraces(
      `1 2 ${traceparent(1)}\nnonsense\nx y ${traceparent(1)}\n3 3 00-short-01\n1 9007199254740991 ${traceparent(1)}\n2 1 ${traceparent(1)}`,
    ),
  ).toEqual([{ firstSequence: 1, lastSequence: 2, traceparent: traceparent(1) }])
})

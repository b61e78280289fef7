import { openJetStream } from '@artifact-store/log'
import { describe, expect, it } from 'vitest'
import { createAudit } from '../src/relay/audit.ts'
import { spread } from '../src/relay/spread.ts'
import { at, openLog, startRelay } from './relay-world.ts'
import { startBroker } from './test-broker.ts'

describe('the numbers by which the audit spreads its reads', () => {
  it('lie one in every part, of however many in a row, wherever the row begins', () => {
    for (const parts of [1, 2, 8, 64, 1024]) {
      for (const start of [0, 1, 37, 1000]) {
        const met = Array.from({ length: parts }, (_, i) => Math.floor(spread(start + i) * parts))
        expect(met.toSorted((a, b) => a - b)).toEqual(Array.from({ length: parts }, (_, part) => part))
      }
    }
  })

  it('go to where the last ones were farthest away', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7].map(spread)).toEqual([0, 1 / 2, 1 / 4, 3 / 4, 1 / 8, 5 / 8, 3 / 8, 7 / 8])
  })
})

describe('the audit of a stream', () => {
  it('reads all of it in bounded steps, in the time that it takes to read it twice', async () => {
    await using broker = await startBroker()
    await using log = await openLog()
    const events = 1500
    await log.grow(events, () => ({ text: 'x'.repeat(8000) }))
    await using relay = startRelay(broker, log)
    await relay.until(at(events))

    await using stream = openJetStream({ url: broker.url, source: '/artifact-store' })
    const read: [number, number][] = []
    const audit = createAudit({
      log,
      stream: {
        ...stream,
        headersBetween(from, to, signal) {
          read.push([from, to])
          return stream.headersBetween(from, to, signal)
        },
      },
    })
    const seen = await stream.look()
    if (!seen) throw new Error('there is no stream')
    const { signal } = new AbortController()
    const met = new Set<number>()
    let steps = 0
    while (met.size < events) {
      expect(await audit.some(seen, 2, signal)).toBeUndefined()
      // The newest messages, and two stretches more.
      const stretches = read.splice(0)
      expect(stretches).toHaveLength(3)
      for (const [from, to] of stretches) {
        // A megabyte's worth.
        expect((to - from + 1) * 8000).toBeLessThan(1024 * 1024)
        if (to < events) steps += to - from + 1
        for (let sequence = from; sequence <= to; sequence += 1) met.add(sequence)
      }
    }
    expect(steps).toBeLessThanOrEqual(2 * events)
  })
})

import { createBell, openPostgresLog, tail, tailBatches } from '@artifact-store/log'
import { describe, expect, it } from 'vitest'
import { testAppend, testEvent } from './test-event.ts'
import { useTestLog } from './test-log.ts'

const test = await useTestLog()
const append = (count = 1) => Promise.all(Array.from({ length: count }, () => test.log.append(testAppend(testEvent()))))
const never = 1_000_000

describe('tail', () => {
  it('yields what is there, then what comes, and ends when its consumer breaks', async () => {
    await append(3)
    const seen: number[] = []
    for await (const event of tail(test.log, { batchSize: 2 })) {
      seen.push(event.sequence)
      if (event.sequence === 3) await append(2)
      if (event.sequence === 5) break
    }
    expect(seen).toEqual([1, 2, 3, 4, 5])
  })

  it('begins behind a sequence', async () => {
    await append(4)
    const events = tail(test.log, { after: 2 })
    expect(await events.next()).toMatchObject({ done: false, value: { sequence: 3 } })
    await events.return()
  })

  it('looks again when the bell rings', async () => {
    const bell = createBell()
    const events = tail(test.log, { bell, pollMs: never })
    const next = events.next()
    await append()
    bell.ring()
    expect(await next).toMatchObject({ value: { sequence: 1 } })
    await events.return()
  })

  it('looks again by itself when the bell is silent', async () => {
    const events = tail(test.log, { bell: createBell(), pollMs: 1 })
    const next = events.next()
    await append()
    expect(await next).toMatchObject({ value: { sequence: 1 } })
    await events.return()
  })

  it('ends at an abort while it waits', async () => {
    const abort = new AbortController()
    const events = tail(test.log, { signal: abort.signal, pollMs: never })
    const next = events.next()
    abort.abort()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it('ends at an abort in the middle of a batch', async () => {
    await append(10)
    const abort = new AbortController()
    const seen: number[] = []
    for await (const event of tail(test.log, { signal: abort.signal })) {
      seen.push(event.sequence)
      if (event.sequence === 2) abort.abort()
    }
    expect(seen).toEqual([1, 2])
  })

  it('yields nothing under a signal that was aborted before', async () => {
    await append()
    expect(await tail(test.log, { signal: AbortSignal.abort() }).next()).toEqual({ done: true, value: undefined })
  })

  it('ends when it is told to return while it waits', async () => {
    const events = tail(test.log, { pollMs: never })
    const next = events.next()
    expect(await events.return()).toEqual({ done: true, value: undefined })
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it('ends with the scope that it belongs to, also while it waits', async () => {
    let waiting: Promise<IteratorResult<unknown>>
    {
      await using events = tail(test.log, { pollMs: never })
      waiting = events.next()
    }
    expect(await waiting).toEqual({ done: true, value: undefined })
  })

  it('throws what reading throws, and is over then', async () => {
    const broken = { ...openPostgresLog(test.pool), fetchSince: () => Promise.reject(new Error('the disk is gone')) }
    const events = tail(broken)
    await expect(events.next()).rejects.toThrow('the disk is gone')
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  it('comes in batches too', async () => {
    await append(5)
    const sizes: number[] = []
    for await (const batch of tailBatches(test.log, { batchSize: 2 })) {
      sizes.push(batch.length)
      if (batch.at(-1)?.sequence === 5) break
    }
    expect(sizes).toEqual([2, 2, 1])
  })
})

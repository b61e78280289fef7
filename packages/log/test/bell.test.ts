import { createBell } from '@artifact-store/log'
import { describe, expect, it } from 'vitest'

const long = 60_000

describe('a bell', () => {
  it('wakes everyone who waits', async () => {
    const bell = createBell()
    const waiting = [bell.wait(bell.count, long), bell.wait(bell.count, long)]
    bell.ring()
    await Promise.all(waiting)
    expect(bell.count).toBe(1)
  })

  it('does not lose a ring between the look and the wait', async () => {
    const bell = createBell()
    const known = bell.count
    bell.ring()
    await bell.wait(known, long)
  })

  it('returns at an abort, before or during the wait', async () => {
    const bell = createBell()
    const abort = new AbortController()
    const waiting = bell.wait(bell.count, long, abort.signal)
    abort.abort()
    await waiting
    await bell.wait(bell.count, long, abort.signal)
  })

  it('returns by itself when the time is up', async () => {
    const bell = createBell()
    await bell.wait(bell.count, 1)
    expect(bell.count).toBe(0)
  })
})

import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Companions } from '../src/registry/companions.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Begins to gather; tells whether that is over by now. */
function gathering(companions: Companions): () => Promise<boolean> {
  let over = false
  void companions.gather().then(() => {
    over = true
  })
  return async () => {
    await setImmediate()
    return over
  }
}

describe('companions', () => {
  it('let whoever is alone go on at once', async () => {
    const companions = new Companions()
    companions.announce()[Symbol.dispose]()
    expect(await gathering(companions)()).toBe(true)
  })

  it('go on together when the last of them is here', async () => {
    const companions = new Companions()
    const [first, second] = [companions.announce(), companions.announce()]
    const one = gathering(companions)
    first[Symbol.dispose]()
    // Who says it twice is still one.
    first[Symbol.dispose]()
    const other = gathering(companions)
    expect([await one(), await other()]).toEqual([false, false])
    second[Symbol.dispose]()
    expect([await one(), await other()]).toEqual([true, true])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('go on without one that does not come, and do not wait for that one again', async () => {
    const companions = new Companions()
    using late = companions.announce()
    const one = gathering(companions)
    vi.advanceTimersByTime(4)
    expect(await one()).toBe(false)
    vi.advanceTimersByTime(1)
    expect(await one()).toBe(true)
    expect(await gathering(companions)()).toBe(true)
    const next = companions.announce()
    const waiting = gathering(companions)
    late[Symbol.dispose]()
    expect(await waiting()).toBe(false)
    next[Symbol.dispose]()
    expect(await waiting()).toBe(true)
  })
})

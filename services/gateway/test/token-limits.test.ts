import { parseTokenId } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import { type TokenLimitSettings, TokenLimits } from '../src/limits/token-limits.ts'

const token = (n: number) => parseTokenId(String(n).padStart(32, '0'))
const mine = token(1)

function limits(settings: Partial<TokenLimitSettings>) {
  let now = 0
  const held = new TokenLimits({ maxRequests: 0, perSecond: 0, burst: 1, now: () => now, ...settings })
  return { held, pass: (ms: number) => (now += ms) }
}

describe('the rate of a token', () => {
  it('lets a burst through, then refuses, and says when to come again', () => {
    const { held } = limits({ perSecond: 2, burst: 3 })
    for (let i = 0; i < 3; i++) held.enter(mine).leave()
    expect(() => held.enter(mine)).toThrow(
      expect.objectContaining({
        kind: 'too-many-requests',
        details: { limit: 'rate', requestsPerSecond: 2, burst: 3, retryAfter: 1 },
      }),
    )
  })

  it('comes back steadily, and a refusal costs nothing', () => {
    const { held, pass } = limits({ perSecond: 2, burst: 3 })
    for (let i = 0; i < 3; i++) held.enter(mine)
    for (let i = 0; i < 10; i++) {
      pass(49)
      expect(() => held.enter(mine)).toThrow()
    }
    pass(20)
    held.enter(mine)
    expect(() => held.enter(mine)).toThrow()
  })

  it('never saves up more than the burst', () => {
    const { held, pass } = limits({ perSecond: 2, burst: 3 })
    held.enter(mine)
    pass(3_600_000)
    for (let i = 0; i < 3; i++) held.enter(mine)
    expect(() => held.enter(mine)).toThrow()
  })
})

describe('the requests of a token that are under way', () => {
  it('are no more than allowed, and one that ends makes room for another', () => {
    const { held } = limits({ maxRequests: 2 })
    const first = held.enter(mine)
    held.enter(mine)
    expect(() => held.enter(mine)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ limit: 'concurrency' }) }),
    )
    first.leave()
    held.enter(mine)
    expect(() => held.enter(mine)).toThrow()
  })

  it('do not count for another token', () => {
    const { held } = limits({ maxRequests: 1, perSecond: 1 })
    held.enter(mine)
    held.enter(token(2))
  })
})

describe('the memory of tokens', () => {
  it('is bounded, and lets those go first that would begin anew with what they have', () => {
    const { held, pass } = limits({ perSecond: 1, burst: 2, maxTokens: 100 })
    for (let i = 0; i < 99; i++) held.enter(token(i + 10)).leave()
    pass(1000)
    // Two at once, of which one second brings one back.
    held.enter(mine).leave()
    held.enter(mine).leave()
    for (let i = 0; i < 98; i++) held.enter(token(i + 1000)).leave()
    expect(held.size).toBe(99)
    expect(() => held.enter(mine)).toThrow()
  })

  it('is bounded when all of them are busy asking, and keeps those who have something under way', () => {
    const { held } = limits({ maxRequests: 1, perSecond: 1, burst: 2, maxTokens: 100 })
    held.enter(mine)
    for (let i = 0; i < 10_000; i++) held.enter(token(i + 10)).leave()
    expect(held.size).toBeLessThanOrEqual(100)
    expect(() => held.enter(mine)).toThrow(expect.objectContaining({ kind: 'too-many-requests' }))
  })
})

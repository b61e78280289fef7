import { describe, expect, it } from 'vitest'
import { isRetryableStatus, parseRetryAfter, type RetryPolicy, retryDelay } from '../src/http/retry.ts'

const policy: RetryPolicy = { attempts: 6, attemptsBeforeContact: 2, firstDelayMs: 100, longestDelayMs: 1000 }

describe('how long to wait before the next attempt', () => {
  it('doubles from failure to failure, up to the longest', () => {
    const delays = [1, 2, 3, 4, 5].map(failures => retryDelay(policy, failures, { contacted: true, random: () => 1 }))
    expect(delays).toEqual([100, 200, 400, 800, 1000])
  })

  it('leaves the upper half to chance, so that many clients do not return at once', () => {
    expect(retryDelay(policy, 2, { contacted: true, random: () => 0 })).toBe(100)
    expect(retryDelay(policy, 2, { contacted: true, random: () => 0.5 })).toBe(150)
  })

  it('ends when the attempts are used up, and sooner where nothing has ever answered', () => {
    expect(retryDelay(policy, 6, { contacted: true })).toBeUndefined()
    expect(retryDelay(policy, 2, { contacted: false })).toBeUndefined()
    expect(retryDelay(policy, 1, { contacted: false })).toBeGreaterThan(0)
  })

  it('is never shorter than the server asked, and gives up on one that asks for more than a minute', () => {
    expect(retryDelay(policy, 1, { contacted: true, retryAfterMs: 5000 })).toBe(5000)
    expect(retryDelay(policy, 1, { contacted: true, retryAfterMs: 60_001 })).toBeUndefined()
  })

  it('stays finite for a patience without end', () => {
    const forever = { ...policy, attempts: Number.POSITIVE_INFINITY }
    expect(retryDelay(forever, 100_000, { contacted: true, random: () => 1 })).toBe(1000)
  })
})

describe('Retry-After', () => {
  it('is read as seconds and as a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(parseRetryAfter('7', now)).toBe(7000)
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000)
    expect(parseRetryAfter('Thu, 01 Jan 2025 00:00:30 GMT', now)).toBe(0)
  })

  it('is passed over where it is neither', () => {
    expect(parseRetryAfter('soon', 0)).toBeUndefined()
    expect(parseRetryAfter(null, 0)).toBeUndefined()
  })
})

it('only answers that say "not now" are worth another attempt', () => {
  expect([408, 429, 502, 503, 504].every(isRetryableStatus)).toBe(true)
  expect([400, 401, 404, 409, 413, 500, 507].some(isRetryableStatus)).toBe(false)
})

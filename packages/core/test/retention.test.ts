import { describe, expect, it } from 'vitest'
import { effectiveExpiry, mayGo } from '../src/index.ts'

const [early, late] = [new Date('2026-01-01T00:00:00Z'), new Date('2027-01-01T00:00:00Z')]

describe('retention', () => {
  it('keeps what no rule speaks of', () => {
    expect(effectiveExpiry({ rules: [], holds: [] })).toEqual({ kept: 'forever' })
  })

  it('lets the rule win that keeps longest', () => {
    expect(effectiveExpiry({ rules: [late, early], holds: [] })).toEqual({ kept: 'until', at: late })
    expect(effectiveExpiry({ rules: [early, undefined, late], holds: [] })).toEqual({ kept: 'forever' })
  })

  it('lets a hold beat everything', () => {
    const expiry = effectiveExpiry({ rules: [early], holds: ['h1'] })
    expect(expiry).toEqual({ kept: 'held', holds: ['h1'] })
    expect(mayGo(expiry, late)).toBe(false)
  })

  it('lets a package go from the millisecond of its expiry on', () => {
    const expiry = effectiveExpiry({ rules: [early], holds: [] })
    expect(mayGo(expiry, new Date(early.getTime() - 1))).toBe(false)
    expect(mayGo(expiry, early)).toBe(true)
    expect(mayGo({ kept: 'forever' }, late)).toBe(false)
  })
})

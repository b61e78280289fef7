/** When a package may go. */
export type Expiry =
  | { readonly kept: 'forever' }
  | { readonly kept: 'until'; readonly at: Date }
  /** By these holds, whatever else is said. */
  | { readonly kept: 'held'; readonly holds: readonly string[] }

export interface RetentionFacts {
  /** What each rule that speaks of the package says: from when on it may go, or undefined for never. */
  readonly rules: readonly (Date | undefined)[]
  /** The ids of the holds that are in place. */
  readonly holds: readonly string[]
}

/** Holds beat everything; among rules the one that keeps longest wins; what no rule speaks of is kept. */
export function effectiveExpiry({ rules, holds }: RetentionFacts): Expiry {
  if (holds.length > 0) return { kept: 'held', holds }
  let latest: Date | undefined
  for (const at of rules) {
    if (at === undefined) return { kept: 'forever' }
    if (latest === undefined || at > latest) latest = at
  }
  return latest === undefined ? { kept: 'forever' } : { kept: 'until', at: latest }
}

/** Whether the package may go at that time: from the very millisecond of its expiry on. */
export function mayGo(expiry: Expiry, now: Date): boolean {
  return expiry.kept === 'until' && expiry.at <= now
}

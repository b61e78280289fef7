import type { BlobFinding, CopyFinding } from '@artifact-store/blobs'
import { ArtifactError } from '@artifact-store/core'
import { type NamedStore, nameOf } from '../stores/named-store.ts'

/** A copy of a blob that is not what it should be. */
export interface Damaged {
  readonly at: NamedStore
  readonly finding: Exclude<BlobFinding, { readonly kind: 'intact' }>
}

/** What the copies of a blob amount to. */
export type Verdict =
  /** Those that are there are right. */
  | { readonly kind: 'sound'; readonly at: NamedStore; readonly size: number }
  /** Some are right and some are not. */
  | {
      readonly kind: 'partly'
      readonly damaged: readonly [Damaged, ...Damaged[]]
      readonly good: NamedStore
      readonly size: number
    }
  /** None is right. */
  | { readonly kind: 'lost'; readonly damaged: readonly [Damaged, ...Damaged[]] }

/** That a store has no copy counts only where none has a good one: it may have been added later, or not be the one that it was put into. */
export function judgeCopies(copies: readonly CopyFinding[], stores: readonly NamedStore[]): Verdict {
  const damaged: Damaged[] = []
  let good: { readonly at: NamedStore; readonly size: number } | undefined
  for (const { store, finding } of copies) {
    const at = nameOf(stores, store)
    if (finding.kind === 'intact') good ??= { at, size: finding.size }
    else damaged.push({ at, finding })
  }
  const [first, ...others] = damaged.filter(({ finding }) => finding.kind === 'different')
  if (good) {
    if (!first) return { kind: 'sound', ...good }
    return { kind: 'partly', damaged: [first, ...others], good: good.at, size: good.size }
  }
  if (first) return { kind: 'lost', damaged: [first, ...others] }
  // It is nowhere: the store that it should have been put into says so.
  const [missing] = damaged
  if (!missing) throw new ArtifactError('internal', 'a blob was looked for in no store at all')
  return { kind: 'lost', damaged: [missing] }
}

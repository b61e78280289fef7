import { type PackageId, parsePackageId, type Subject } from '@artifact-store/core'
import type { Dice } from '../dice.ts'

/** What the clients of a run know of the subjects that they all change: enough to be mostly right and sometimes wrong. */
export interface Subjects {
  /** One of a few ledgers: subjects of a type that no catalogue knows. */
  ledger(dice: Dice): Subject
  /** Replaces a ledger that is closed. */
  closed(subject: Subject): void
  /** Packages that were acknowledged, the last ones. */
  readonly packages: readonly KnownPackage[]
  /** The log has something about that package at that position. */
  heardOf(id: string, position: number): void
  /** The last revision that somebody was told of; 0 for one that nobody has spoken of. */
  revision(subject: Subject): number
  learn(subject: Subject, revision: number): void
}

interface KnownPackage {
  readonly id: PackageId
  /** Where in the log it was last heard of. */
  readonly position: number
}

const mostPackages = 30

export function createSubjects(dice: Dice): Subjects {
  let made = 0
  const newLedger = () => {
    made += 1
    return { kind: 'ledger', id: `ledger-${made}-${dice.hex(4)}` }
  }
  const ledgers = Array.from({ length: 5 }, newLedger)
  const revisions = new Map<string, number>()
  const packages: KnownPackage[] = []
  const keyOf = ({ kind, id }: Subject) => `${kind}/${id}`
  return {
    ledger: chooser => chooser.oneOf(ledgers),
    closed(subject) {
      const index = ledgers.findIndex(({ id }) => id === subject.id)
      if (index >= 0) ledgers[index] = newLedger()
    },
    packages,
    heardOf(text, position) {
      const id = parsePackageId(text)
      const index = packages.findIndex(known => known.id === id)
      if (index < 0) packages.push({ id, position })
      else packages[index] = { id, position: Math.max(position, packages[index]?.position ?? 0) }
      if (packages.length > mostPackages) packages.shift()
    },
    revision: subject => revisions.get(keyOf(subject)) ?? 0,
    learn: (subject, revision) => void revisions.set(keyOf(subject), Math.max(revision, revisions.get(keyOf(subject)) ?? 0)),
  }
}

/** Of the form that packages have, and the same for the same dice. */
export function packageIdFrom(dice: Dice): PackageId {
  return parsePackageId(`0198c0de-${dice.hex(4)}-7${dice.hex(3)}-8${dice.hex(3)}-${dice.hex(12)}`)
}

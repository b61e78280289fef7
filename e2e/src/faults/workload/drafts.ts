import {
  blake3,
  canonicalJson,
  makeEvent,
  type NewEvent,
  parsePackageKind,
  parsePackageName,
  type Subject,
} from '@artifact-store/core'
import type { Condition } from '@artifact-store/log'
import type { Dice } from '../dice.ts'
import { packageIdFrom, type Subjects } from './subjects.ts'

/** Events before it is said who they are from, and what must hold for them. */
export interface Draft {
  readonly events: readonly ((actor: string) => NewEvent)[]
  readonly conditions: readonly Condition[]
  /** A digest that is not the payload's: the whole append must be refused. */
  readonly bad?: boolean
}

/** What a client may want to append next, given what is known. */
export function draft(subjects: Subjects, dice: Dice): Draft {
  return dice.weighted(drafts)(subjects, dice)
}

const drafts: readonly { readonly weight: number; readonly value: (subjects: Subjects, dice: Dice) => Draft }[] = [
  { weight: 30, value: notes },
  { weight: 25, value: conditionalNote },
  { weight: 10, value: severalSubjects },
  { weight: 10, value: unsealedNote },
  { weight: 2, value: closing },
  { weight: 4, value: wrongRevision },
  { weight: 3, value: badEvent },
  { weight: 4, value: newPackage },
  { weight: 10, value: labels },
]

function notes(subjects: Subjects, dice: Dice): Draft {
  const subject = subjects.ledger(dice)
  const count = dice.chance(0.7) ? 1 : dice.between(2, 20)
  return { events: Array.from({ length: count }, () => noted(subject, dice)), conditions: [] }
}

function conditionalNote(subjects: Subjects, dice: Dice): Draft {
  const subject = subjects.ledger(dice)
  return { events: [noted(subject, dice)], conditions: [{ subject, revision: subjects.revision(subject) }] }
}

function severalSubjects(subjects: Subjects, dice: Dice): Draft {
  const chosen = [...new Map(Array.from({ length: 3 }, () => subjects.ledger(dice)).map(one => [one.id, one])).values()]
  return {
    events: chosen.flatMap(subject => Array.from({ length: dice.between(1, 2) }, () => noted(subject, dice))),
    conditions: chosen.filter(() => dice.chance(0.5)).map(subject => ({ subject, revision: subjects.revision(subject) })),
  }
}

function unsealedNote(subjects: Subjects, dice: Dice): Draft {
  const subject = subjects.ledger(dice)
  return { events: [noted(subject, dice)], conditions: [{ subject, unsealed: true }] }
}

/** Several clients come to it at once; one may succeed. */
function closing(subjects: Subjects, dice: Dice): Draft {
  const subject = subjects.ledger(dice)
  subjects.closed(subject)
  return { events: [noted(subject, dice), ledgerEvent('v1.ledger.finalized', subject, {})], conditions: [] }
}

function wrongRevision(subjects: Subjects, dice: Dice): Draft {
  const subject = subjects.ledger(dice)
  return {
    events: [noted(subject, dice)],
    conditions: [{ subject, revision: subjects.revision(subject) + dice.between(500, 900) }],
  }
}

/** In the middle of good ones, which must not suffer from it nor be kept with it. */
function badEvent(subjects: Subjects, dice: Dice): Draft {
  const subject = subjects.ledger(dice)
  const bad = (actor: string) => ({ ...noted(subject, dice)(actor), payloadDigest: blake3('something else') })
  return { events: [noted(subject, dice), bad, noted(subject, dice)], conditions: [], bad: true }
}

function newPackage(_: Subjects, dice: Dice): Draft {
  const id = packageIdFrom(dice)
  const payload = {
    name: parsePackageName('faults/appended'),
    kind: parsePackageKind('evidence'),
    labels: { branch: dice.hex(4) },
    inputs: [],
    retentionClass: 'default',
  }
  return {
    events: [actor => makeEvent({ type: 'v1.package.created', subjectId: id, actor, payload })],
    conditions: [{ subject: { kind: 'package', id }, revision: 0 }],
  }
}

/** Moves the revision of packages to which others upload at the same time. */
function labels(subjects: Subjects, dice: Dice): Draft {
  if (subjects.packages.length === 0) return newPackage(subjects, dice)
  const { id } = dice.oneOf(subjects.packages.slice(-10))
  const payload = { set: { [dice.oneOf(['a', 'b', 'c'])]: dice.hex(6) }, remove: dice.chance(0.3) ? ['branch'] : [] }
  return { events: [actor => makeEvent({ type: 'v1.package.labelled', subjectId: id, actor, payload })], conditions: [] }
}

function noted(subject: Subject, dice: Dice): (actor: string) => NewEvent {
  const size = dice.chance(0.97) ? dice.between(0, 400) : dice.oneOf([10_000, 100_000, 1_200_000])
  return ledgerEvent('v1.ledger.noted', subject, {
    text: `${dice.hex(8)} naïve € "quoted" \\ `.padEnd(size, 'x'),
    amount: dice.below(1000),
  })
}

function ledgerEvent(
  eventType: string,
  subject: Subject,
  payload: Readonly<Record<string, string | number>>,
): (actor: string) => NewEvent {
  const payloadJson = canonicalJson(payload)
  return actor => ({
    eventType,
    subjectKind: subject.kind,
    subjectId: subject.id,
    actor,
    payloadJson,
    payloadDigest: blake3(payloadJson),
  })
}

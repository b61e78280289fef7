import { hash } from 'node:crypto'
import type { NewEvent, Subject } from '@artifact-store/core'
import type { Append, Condition } from '../event-log.ts'
import { bigintArray, booleanArray, byteaArray, integerArray, textArray, utf8BytesArray, uuidArray } from './binary-array.ts'

/** An append whose key may be left out: the transaction that it is part of makes it happen once. */
export type Write = Omit<Append, 'key'> & { readonly key?: string | undefined }

/** What must hold of a subject for a batch, all conditions on it taken together. */
interface Touched {
  readonly subject: Subject
  /** Where it stands among the batch's subjects, from 1 as PostgreSQL counts. */
  place: number
  revision: number | null
  unsealed: boolean
  /** How many of the batch's events are about it. */
  events: number
}

/** Appends as the database takes them, and what its verdicts speak of by number. */
export interface Batch {
  /** Those of `log.append_one`, when the batch is one event and what must hold of its subject. */
  readonly lone: readonly unknown[] | undefined
  /** Those of `log.append`. */
  parameters(): Buffer[]
  /** Those of `log.append_batch`. */
  parametersAnywhere(): Buffer[]
  readonly subjects: readonly Subject[]
  /** By the place of its first event among all events, from 1: the append's place among the appends, from 0. */
  readonly appendAt: ReadonlyMap<number, number>
}

/** Lays appends out in columns. They must not interfere (`interference.ts`). */
export function layOut(appends: readonly Write[]): Batch {
  const touched = new Map<string, Touched>()
  const columns = new EventColumns()
  const appendAt = new Map<number, number>()

  const touch = (kind: string, id: string): Touched => {
    const name = `${kind}\u0000${id}`
    const known = touched.get(name)
    if (known) return known
    const subject = { subject: { kind, id }, place: 0, revision: null, unsealed: false, events: 0 }
    touched.set(name, subject)
    return subject
  }

  for (const [index, { key, conditions, events }] of appends.entries()) {
    for (const condition of conditions) require(touch(condition.subject.kind, condition.subject.id), condition)
    appendAt.set(columns.type.length + 1, index)
    for (const [i, event] of events.entries()) {
      const subject = touch(event.subjectKind, event.subjectId)
      subject.events += 1
      if (seals(event.eventType)) subject.unsealed = true
      const first = i === 0 && key !== undefined
      columns.push(event, subject, first ? keyDigest(key) : null, first ? events.length : null)
    }
  }
  const all = [...touched.values()]
  const judged = all.filter(subject => !isNew(subject))
  const subjects = [...judged, ...all.filter(isNew)]
  for (const [index, subject] of subjects.entries()) subject.place = index + 1
  const subjectParameters = (required: readonly Touched[]) => [
    textArray(subjects.map(s => s.subject.kind)),
    textArray(subjects.map(s => s.subject.id)),
    bigintArray(required.map(s => s.revision)),
    booleanArray(required.map(s => s.unsealed)),
  ]
  const [only, another] = subjects
  return {
    lone: only && !another && columns.type.length === 1 ? loneParameters(only, appends) : undefined,
    parameters: () => [...subjectParameters(judged), ...columns.parameters()],
    parametersAnywhere: () => [...subjectParameters(subjects), ...columns.parametersWithSubjects()],
    subjects: subjects.map(s => s.subject),
    appendAt,
  }
}

/** Whether the first event of the batch on it must be its first of all, so that an index of revisions refuses that event where it is not. */
function isNew({ revision, events }: Touched): boolean {
  return revision === 0 && events > 0
}

function loneParameters({ subject, revision, unsealed }: Touched, appends: readonly Write[]): unknown[] | undefined {
  const [append, another] = appends
  if (append === undefined || another !== undefined) return undefined
  const [{ eventType, actor, payloadJson, payloadDigest }] = append.events
  return [
    subject.kind,
    subject.id,
    revision,
    unsealed,
    eventType,
    actor,
    Buffer.from(payloadJson),
    payloadDigest,
    append.key === undefined ? null : keyDigest(append.key),
  ]
}

/** What seals a subject needs it unsealed, said or not. */
export function seals(eventType: string): boolean {
  return eventType.endsWith('.finalized') || eventType.endsWith('.discarded')
}

function require(touched: Touched, condition: Condition): void {
  if (!('revision' in condition)) touched.unsealed = true
  else if (touched.revision === null) touched.revision = condition.revision
  // Two revisions at once no subject has.
  else if (touched.revision !== condition.revision) touched.revision = impossibleRevision
}

const impossibleRevision = -1

/** 128 bits of SHA-256, as `log.key_digest` has them. */
function keyDigest(key: string): Buffer {
  return hash('sha256', key, 'buffer').subarray(0, 16)
}

class EventColumns {
  readonly type: string[] = []
  readonly #subject: Touched[] = []
  readonly #rank: number[] = []
  readonly #actor: string[] = []
  readonly #payload: string[] = []
  readonly #digest: Uint8Array[] = []
  readonly #key: (Uint8Array | null)[] = []
  readonly #count: (number | null)[] = []

  /** The event is the subject's newest of those in the batch. */
  push(event: NewEvent, subject: Touched, key: Uint8Array | null, count: number | null): void {
    this.type.push(event.eventType)
    this.#subject.push(subject)
    this.#rank.push(subject.events)
    this.#actor.push(event.actor)
    this.#payload.push(event.payloadJson)
    this.#digest.push(event.payloadDigest)
    this.#key.push(key)
    this.#count.push(count)
  }

  parameters(): Buffer[] {
    return [...this.#places(), textArray(this.type), ...this.#rest()]
  }

  parametersWithSubjects(): Buffer[] {
    return [
      ...this.#places(),
      textArray(this.type),
      textArray(this.#subject.map(({ subject }) => subject.kind)),
      textArray(this.#subject.map(({ subject }) => subject.id)),
      ...this.#rest(),
    ]
  }

  #places(): Buffer[] {
    return [integerArray(this.#subject.map(({ place }) => place)), integerArray(this.#rank)]
  }

  #rest(): Buffer[] {
    return [
      textArray(this.#actor),
      utf8BytesArray(this.#payload),
      byteaArray(this.#digest),
      uuidArray(this.#key),
      integerArray(this.#count),
    ]
  }
}

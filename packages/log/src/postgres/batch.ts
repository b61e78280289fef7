import { hash } from 'node:crypto'
import type { NewEvent, Subject } from '@artifact-store/core'
import type { Append, Condition } from '../event-log.ts'
import { bigintArray, booleanArray, byteaArray, integerArray, textArray, utf8BytesArray, uuidArray } from './binary-array.ts'

/** An append whose key may be left out: the transaction that it is part of makes it happen once. */
export type Write = Omit<Append, 'key'> & { readonly key?: string | undefined }

/** What must hold of a subject for a batch, all conditions on it taken together. */
interface Touched {
  readonly subject: Subject
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
  const touched = new Map<string, number>()
  const subjects: Touched[] = []
  const columns = new EventColumns()
  const appendAt = new Map<number, number>()

  const touch = (kind: string, id: string): number => {
    const name = `${kind}\u0000${id}`
    const known = touched.get(name)
    if (known !== undefined) return known
    subjects.push({ subject: { kind, id }, revision: null, unsealed: false, events: 0 })
    touched.set(name, subjects.length)
    return subjects.length
  }
  // Places count from 1, as PostgreSQL's do.
  const at = (place: number) => subjects[place - 1] as Touched

  for (const [index, { key, conditions, events }] of appends.entries()) {
    for (const condition of conditions) require(at(touch(condition.subject.kind, condition.subject.id)), condition)
    appendAt.set(columns.type.length + 1, index)
    for (const [i, event] of events.entries()) {
      const place = touch(event.subjectKind, event.subjectId)
      const subject = at(place)
      subject.events += 1
      if (seals(event.eventType)) subject.unsealed = true
      const first = i === 0 && key !== undefined
      columns.push(event, place, subject.events, first ? keyDigest(key) : null, first ? events.length : null)
    }
  }
  const subjectParameters = () => [
    textArray(subjects.map(s => s.subject.kind)),
    textArray(subjects.map(s => s.subject.id)),
    bigintArray(subjects.map(s => s.revision)),
    booleanArray(subjects.map(s => s.unsealed)),
  ]
  return {
    lone: subjects.length === 1 && columns.type.length === 1 ? loneParameters(at(1), appends) : undefined,
    parameters: () => [...subjectParameters(), ...columns.parameters()],
    parametersAnywhere: () => [...subjectParameters(), ...columns.parametersWith(subjects.map(s => s.subject))],
    subjects: subjects.map(s => s.subject),
    appendAt,
  }
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
  readonly #subject: number[] = []
  readonly #rank: number[] = []
  readonly #actor: string[] = []
  readonly #payload: string[] = []
  readonly #digest: Uint8Array[] = []
  readonly #key: (Uint8Array | null)[] = []
  readonly #count: (number | null)[] = []

  push(event: NewEvent, subject: number, rank: number, key: Uint8Array | null, count: number | null): void {
    this.type.push(event.eventType)
    this.#subject.push(subject)
    this.#rank.push(rank)
    this.#actor.push(event.actor)
    this.#payload.push(event.payloadJson)
    this.#digest.push(event.payloadDigest)
    this.#key.push(key)
    this.#count.push(count)
  }

  parameters(): Buffer[] {
    return [integerArray(this.#subject), integerArray(this.#rank), textArray(this.type), ...this.#rest()]
  }

  /** With the kind and the id of each event's subject, told by its place. */
  parametersWith(subjects: readonly Subject[]): Buffer[] {
    const named = this.#subject.map(place => subjects[place - 1] as Subject)
    return [
      integerArray(this.#subject),
      integerArray(this.#rank),
      textArray(this.type),
      textArray(named.map(({ kind }) => kind)),
      textArray(named.map(({ id }) => id)),
      ...this.#rest(),
    ]
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

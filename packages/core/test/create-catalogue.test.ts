import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createCatalogue, type NewestType, type PayloadIn, type ReadEvent } from '../src/events/create-catalogue.ts'
import { defineEvent, defineOlderEvent, type EventDefinition } from '../src/index.ts'
import { seededRandom } from './random-json.ts'

// A fact that was written down in three ways over the years: a sum as text, then in cents, then in cents of a currency by several.
const paid = defineEvent({
  type: 'v3.plan.paid',
  subject: 'plan',
  meaning: 'Somebody paid.',
  payload: z.strictObject({ cents: z.int(), currency: z.string(), by: z.array(z.string()) }),
})
const paidV2 = defineOlderEvent({
  type: 'v2.plan.paid',
  meaning: 'Somebody paid.',
  payload: z.strictObject({ cents: z.int(), by: z.string().optional() }),
  next: paid,
  upcast: ({ cents, by }) => ({ cents, currency: 'EUR', by: by === undefined ? [] : [by] }),
})
const paidV1 = defineOlderEvent({
  type: 'v1.plan.paid',
  meaning: 'Somebody paid.',
  payload: z.strictObject({ sum: z.string(), by: z.string() }),
  next: paidV2,
  upcast: ({ sum, by }) => ({ cents: Math.round(Number(sum) * 100), ...(by === '' ? {} : { by }) }),
})
const closed = defineEvent({
  type: 'v1.plan.closed',
  subject: 'plan',
  meaning: 'No more is paid.',
  payload: z.strictObject({ reason: z.string() }),
})
const { newest, definitionOf, read } = createCatalogue([paidV1, paid, paidV2, closed])

type Fact = NonNullable<ReturnType<typeof definitionOf>>
type Newest = NewestType<Fact>
type Paid = PayloadIn<Fact, 'v3.plan.paid'>

interface Stored {
  readonly eventType: string
  readonly subjectId: string
  readonly payload: object
  readonly payloadJson: string
}

function stored(eventType: string, payload: object, subjectId = 'plan'): Stored {
  return deepFrozen({ eventType, subjectId, payload, payloadJson: JSON.stringify(payload) })
}

describe('a catalogue with several versions of a fact', () => {
  it('lets the newest ones be written and handled, and none else', () => {
    const types: Record<Newest, true> = { 'v3.plan.paid': true, 'v1.plan.closed': true }
    expect(new Set(Object.keys(newest))).toEqual(new Set(Object.keys(types)))
    expect(newest['v3.plan.paid']).toBe(paid)
    // @ts-expect-error an older version is not handled
    const handled: Newest = 'v2.plan.paid'
    expect(newest).not.toHaveProperty(handled)
  })

  it('knows every version that was released by its own schema', () => {
    expect([paidV1, paidV2, paid, closed].map(({ type }) => definitionOf(type))).toEqual([paidV1, paidV2, paid, closed])
    expect(definitionOf('v4.plan.paid')).toBeUndefined()
    expect(definitionOf('toString')).toBeUndefined()
  })

  it('gives an older version the subject of the newer: it is part of what was stored', () => {
    expect(paidV1.subject).toBe('plan')
  })
})

describe('reading an event', () => {
  it.each([
    ['v1.plan.paid', { sum: '12.50', by: 'eve' }, { cents: 1250, currency: 'EUR', by: ['eve'] }],
    ['v1.plan.paid', { sum: '1', by: '' }, { cents: 100, currency: 'EUR', by: [] }],
    ['v2.plan.paid', { cents: 7 }, { cents: 7, currency: 'EUR', by: [] }],
    ['v3.plan.paid', { cents: 7, currency: 'JPY', by: ['a', 'b'] }, { cents: 7, currency: 'JPY', by: ['a', 'b'] }],
  ])('lifts %s through every version between', (type, payload, lifted) => {
    expect(read(stored(type, payload))).toMatchObject({ eventType: 'v3.plan.paid', subjectId: 'plan', payload: lifted })
  })

  it('leaves what was stored as it was', () => {
    const event = stored('v1.plan.paid', { sum: '12.50', by: 'eve' })
    const before = structuredClone(event)
    read(event)
    expect(event).toEqual(before)
  })

  it('gives the newest version as it is', () => {
    const event = stored('v1.plan.closed', { reason: 'enough' })
    expect(read(event)).toBe(event)
  })

  it.each(['v4.plan.paid', 'v2.plan.closed', 'v1.plan.painted', 'odd', ''])('tells that it does not know %s', type => {
    expect(read(stored(type, { sum: '1', by: '' }))).toBeUndefined()
  })

  it('does not pass for the stored event, whose bytes and digest belong to another version', () => {
    const event = read(stored('v1.plan.paid', { sum: '1', by: '' }))
    // @ts-expect-error the bytes that were stored are those of v1
    const asStored: Stored | undefined = event
    expect(asStored?.eventType).toBe('v3.plan.paid')
  })
})

describe('any history of mixed versions', () => {
  it.each(Array.from({ length: 50 }, (_, seed) => seed))('is read as if all of it had been written today (seed %i)', seed => {
    const random = seededRandom(seed)
    const today = Array.from({ length: 200 }, () => randomEvent(random))
    const mixed = today.map(event => (event.eventType === 'v3.plan.paid' ? asWrittenOnce(event, random) : event))
    const lifted = mixed.map(event => read(event) ?? expect.fail(event.eventType))

    expect(lifted.map(({ eventType, payload }) => ({ eventType, payload }))).toEqual(
      today.map(({ eventType, payload }) => ({ eventType, payload })),
    )
    for (const { eventType, payload } of lifted) expect(newest[eventType].payload.safeParse(payload).error).toBeUndefined()
    expect(fold(lifted)).toEqual(fold(today.map(event => read(event) ?? expect.fail(event.eventType))))
    expect(lifted.map(event => read(event))).toEqual(lifted)
    if (seed === 0) expect(new Set(mixed.map(({ eventType }) => eventType)).size).toBe(4)
  })
})

describe('a catalogue that would lose something', () => {
  const v1 = defineEvent({ type: 'v1.plan.paid', subject: 'plan', meaning: 'Paid.', payload: z.strictObject({}) })
  const v2 = defineEvent({ type: 'v2.plan.paid', subject: 'plan', meaning: 'Paid.', payload: z.strictObject({}) })
  const v3 = defineEvent({ type: 'v3.plan.paid', subject: 'plan', meaning: 'Paid.', payload: z.strictObject({}) })
  const v10 = defineEvent({ type: 'v10.plan.paid', subject: 'plan', meaning: 'Paid.', payload: z.strictObject({}) })
  const older = <const T extends `v${number}.${string}.${string}`, Next extends EventDefinition>(type: T, next: Next) =>
    defineOlderEvent({
      type,
      meaning: 'Paid.',
      payload: z.strictObject({}),
      next,
      upcast: payload => payload as z.output<Next['payload']>,
    })

  it('does not compile without the upcaster to the next version', () => {
    // @ts-expect-error v1.plan.paid needs an upcaster to v2.plan.paid
    createCatalogue([v1, v2])
    // @ts-expect-error v2.plan.paid needs an upcaster to v3.plan.paid
    createCatalogue([older('v1.plan.paid', v2), v2, v3])
  })

  it('does not compile with an upcaster that leaves a version out, or leads back or elsewhere', () => {
    // @ts-expect-error v1.plan.paid is lifted past v2.plan.paid
    createCatalogue([older('v1.plan.paid', v3), older('v2.plan.paid', v3), v3])
    // @ts-expect-error v2.plan.paid is lifted to the one before it
    createCatalogue([v1, older('v2.plan.paid', v1)])
    // @ts-expect-error v1.plan.paid is lifted to another fact
    createCatalogue([older('v1.plan.paid', closed), closed])
  })

  it('does not compile with a hole between the versions, or before the first', () => {
    // @ts-expect-error v3.plan.paid has no v2 before it
    createCatalogue([v1, v3])
    // @ts-expect-error v2.plan.paid has no v1 before it
    createCatalogue([v2])
    // @ts-expect-error v10.plan.paid is not the version after v1
    createCatalogue([v1, v10])
  })

  it('does not compile with an upcaster to something else than the next version says', () => {
    defineOlderEvent({
      type: 'v2.plan.paid',
      meaning: 'Paid.',
      payload: z.strictObject({ cents: z.int() }),
      next: paid,
      // @ts-expect-error a currency is missing
      upcast: ({ cents }) => ({ cents, by: [] }),
    })
  })

  it('is refused where only running it shows', () => {
    expect(() => createCatalogue([v1, { ...v1, meaning: 'Paid again.' }])).toThrow('two definitions')
    const other = { ...v2, payload: z.strictObject({}) }
    expect(() => createCatalogue([older('v1.plan.paid', other), v2])).toThrow("v2.plan.paid that is not the catalogue's")
  })
})

function randomEvent(random: () => number): Stored {
  const subjectId = `plan ${Math.floor(random() * 5)}`
  if (random() < 0.1) return stored('v1.plan.closed', { reason: 'enough' }, subjectId)
  const by = Array.from({ length: Math.floor(random() * 3) }, (_, i) => `payer ${i}`)
  const currency = random() < 0.7 ? 'EUR' : 'JPY'
  return stored('v3.plan.paid', { cents: Math.floor(random() * 100_000), currency, by }, subjectId)
}

/** The same fact in one of the versions that could say it. */
function asWrittenOnce({ payload, subjectId }: Stored, random: () => number): Stored {
  const { cents, currency, by } = payload as Paid
  const [first] = by
  if (currency !== 'EUR' || by.length > 1 || random() < 0.2) return stored('v3.plan.paid', payload, subjectId)
  if (random() < 0.5) return stored('v2.plan.paid', { cents, ...(first === undefined ? {} : { by: first }) }, subjectId)
  return stored('v1.plan.paid', { sum: (cents / 100).toFixed(2), by: first ?? '' }, subjectId)
}

/** A reader that handles the newest versions only; it does not compile while it leaves one out. */
function fold(events: readonly ReadEvent<Fact, Stored>[]) {
  const plans = new Map<string, { total: Record<string, number>; payers: string[]; closed: string | undefined }>()
  for (const event of events) {
    const plan = plans.get(event.subjectId) ?? { total: {}, payers: [], closed: undefined }
    plans.set(event.subjectId, plan)
    switch (event.eventType) {
      case 'v3.plan.paid':
        plan.total[event.payload.currency] = (plan.total[event.payload.currency] ?? 0) + event.payload.cents
        plan.payers.push(...event.payload.by)
        break
      case 'v1.plan.closed':
        plan.closed = event.payload.reason
        break
      default:
        event satisfies never
    }
  }
  return plans
}

function deepFrozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFrozen(part)
  return Object.freeze(value)
}

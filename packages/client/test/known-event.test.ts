import { describe, expect, it } from 'vitest'
import { asKnownEvent, type StoreEvent } from '../src/index.ts'

const event: StoreEvent = {
  specversion: '1.0',
  id: '7',
  source: '/artifact-store',
  type: 'v1.package.discarded',
  subject: 'package/0198c0de-0000-7000-8000-000000000001',
  time: '2026-01-02T03:04:05.006Z',
  sequence: '7',
  subjectrevision: 2,
  actor: 'ci',
  payloaddigest: '00',
  data: { reason: 'a trial' },
}

describe('a known event', () => {
  it('has its data typed by its type', () => {
    const known = asKnownEvent(event)
    if (known?.type !== 'v1.package.discarded') return expect.fail('the type is known')
    const reason: string | undefined = known.data.reason
    expect(reason).toBe('a trial')
    expect(known).toMatchObject({ sequence: '7', subject: event.subject, time: event.time })
  })

  it.each(['v2.package.discarded', 'v1.package.painted', 'constructor'])('is not one of the type %s', type => {
    expect(asKnownEvent({ ...event, type })).toBeUndefined()
  })
})

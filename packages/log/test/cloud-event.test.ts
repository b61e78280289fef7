import { blake3, type StoredEvent } from '@artifact-store/core'
import { ceHeaders, headersDescribe, natsSubject, subjectToken, toCloudEvent } from '@artifact-store/log'
import { describe, expect, it } from 'vitest'

const event: StoredEvent = {
  sequence: 42,
  subjectRevision: 3,
  createdAt: new Date('2026-03-01T12:00:00.007Z'),
  eventType: 'v1.package.files-added',
  subjectKind: 'package',
  subjectId: '019ca0b5-0000-7000-8000-000000000001',
  actor: 'ci/nightly',
  payload: { files: [] },
  payloadJson: '{"files":[]}',
  payloadDigest: blake3('{"files":[]}'),
}
const digest = Buffer.from(event.payloadDigest).toString('hex')

describe('an event as a CloudEvent', () => {
  it('has the attributes of CloudEvents 1.0, the extensions in lower case, and its payload as data', () => {
    expect(toCloudEvent(event, '/artifact-store')).toEqual({
      specversion: '1.0',
      id: '42',
      source: '/artifact-store',
      type: 'v1.package.files-added',
      subject: 'package/019ca0b5-0000-7000-8000-000000000001',
      time: '2026-03-01T12:00:00.007Z',
      datacontenttype: 'application/json',
      sequence: '42',
      subjectrevision: 3,
      actor: 'ci/nightly',
      payloaddigest: digest,
      data: { files: [] },
    })
  })

  it('says the same in headers', () => {
    const { data: _, ...attributes } = toCloudEvent(event, '/artifact-store')
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]))
    expect(ceHeaders(event, '/artifact-store')).toEqual(headers)
  })

  it('has header values that any text survives, percent-encoded', () => {
    const headers = ceHeaders({ ...event, actor: 'Zoë "100 %"\r\n😀', subjectId: 'a b' }, 'https://store.example/ä')
    expect(headers['ce-actor']).toBe('Zo%C3%AB%20%22100%20%25%22%0D%0A%F0%9F%98%80')
    expect(decodeURIComponent(headers['ce-actor'] ?? '')).toBe('Zoë "100 %"\r\n😀')
    expect(headers['ce-subject']).toBe('package/a%20b')
    expect(headers['ce-source']).toBe('https://store.example/%C3%A4')
  })

  it.each([
    ['its number', { sequence: 43 }],
    ['its type', { eventType: 'v1.package.finalized' }],
    ['its subject', { subjectId: 'another' }],
    ['its revision', { subjectRevision: 4 }],
    ['its actor', { actor: 'someone else' }],
    ['its time', { createdAt: new Date('2026-03-01T12:00:00.008Z') }],
    ['its payload', { payloadDigest: blake3('{}') }],
  ])('is told by its headers from one that differs in %s', (_, difference) => {
    const headers = ceHeaders(event, '/artifact-store')
    expect(headersDescribe(headers, event)).toBe(true)
    expect(headersDescribe(headers, { ...event, ...difference })).toBe(false)
  })

  it('is the same event under another source, with headers that others added', () => {
    expect(headersDescribe({ ...ceHeaders(event, '/here'), 'nats-trace': 'x' }, event)).toBe(true)
  })
})

describe('the NATS subject of an event', () => {
  it('reads prefix, noun, verb, id', () => {
    expect(natsSubject(event, 'artifact-store.events')).toBe(
      'artifact-store.events.package.files-added.019ca0b5-0000-7000-8000-000000000001',
    )
  })

  it('has four legal parts behind the prefix for any type and id', () => {
    for (const eventType of ['v1.package.created', 'v12.a.b.c', 'odd', '', 'v1.*.>', 'v1..']) {
      for (const subjectId of ['', '.', '*', '>', 'a b', 'x'.repeat(5000), 'ä\r\n😀']) {
        const subject = natsSubject({ eventType, subjectId }, 'p')
        expect(subject).toMatch(/^p(\.[A-Za-z0-9_=-]{1,255}){3}$/)
      }
    }
  })

  it('keeps ids apart, and lets a token be read back', () => {
    expect(subjectToken('blake3:00ff')).toBe('blake3=3A00ff')
    expect(subjectToken('a=b')).toBe('a=3Db')
    const read = (token: string) => decodeURIComponent(token.replaceAll('=', '%'))
    for (const id of ['blake3:00ff', 'ci/nightly', 'ä 😀.*>', 'a=b', '%41']) expect(read(subjectToken(id))).toBe(id)
    expect(subjectToken('x'.repeat(256))).toMatch(/^==[0-9a-f]{64}$/)
    expect(subjectToken('x'.repeat(256))).not.toBe(subjectToken('x'.repeat(257)))
  })
})

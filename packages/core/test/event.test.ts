import { describe, expect, it } from 'vitest'
import {
  asKnown,
  canonicalEnvelope,
  catalogue,
  type EventType,
  makeEvent,
  parseArtifactPath,
  parseDigest,
  parseSha256,
  parseStrictJsonObject,
  releasedDefinition,
  type StoredEvent,
} from '../src/index.ts'

// BLAKE3 and SHA-256 of nothing.
const digest = parseDigest('blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262')
const sha256 = parseSha256('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')

function stored(eventType: string, payloadJson: string): StoredEvent {
  return {
    ...makeEvent({ type: 'v1.package.discarded', subjectId: 'p', actor: 'ci', payload: {} }),
    eventType,
    payloadJson,
    payload: parseStrictJsonObject(payloadJson),
    sequence: 7,
    subjectRevision: 3,
    createdAt: new Date('2026-01-02T03:04:05.006Z'),
  }
}

describe('an event', () => {
  it('carries BLAKE3 of its payload in RFC 8785 form, as b3sum computes it', () => {
    const event = makeEvent({
      type: 'v1.package.files-added',
      subjectId: '0198c0de-0000-7000-8000-000000000001',
      actor: 'ci',
      payload: { files: [{ path: parseArtifactPath('logs/gro\u0308ße.txt'), digest, sha256, size: 0, mediaType: 'text/plain' }] },
    })
    expect(event.payloadJson).toBe(
      `{"files":[{"digest":"${digest}","mediaType":"text/plain","path":"logs/gr\u00f6ße.txt","sha256":"${sha256}","size":0}]}`,
    )
    expect(event.payloadDigest).toHaveLength(32)
    expect(Buffer.from(event.payloadDigest).toString('hex')).toBe(
      '38edde82cbaf452ec60959f2a75c366ec69f66fb6494d75c0fc728f3761f73a0',
    )
    expect(event).toMatchObject({ eventType: 'v1.package.files-added', subjectKind: 'package', actor: 'ci' })
  })

  it('says the same with an optional field undefined as with it left out', () => {
    const make = (payload: { reason?: string | undefined }) =>
      makeEvent({ type: 'v1.package.discarded', subjectId: 'p', actor: 'ci', payload })
    expect(make({ reason: undefined })).toEqual(make({}))
    expect(make({}).payloadJson).toBe('{}')
    expect(Buffer.from(make({ reason: 'made by mistake' }).payloadDigest).toString('hex')).toBe(
      '0ba6474ea5e20e9915296919d10d1ac0e7826f8dfe9a87676f564fc4c56cd895',
    )
  })

  it('is refused when the payload is not what the catalogue says, naming the place', () => {
    const payload = { files: [{ path: parseArtifactPath('a'), digest, sha256, size: -1, mediaType: 'text/plain' }] }
    expect(() => makeEvent({ type: 'v1.package.files-added', subjectId: 'p', actor: 'ci', payload })).toThrow(
      expect.objectContaining({ kind: 'invalid-request', message: expect.stringContaining('files.0.size') }),
    )
  })

  it('is refused with a field that the catalogue does not have', () => {
    const payload = JSON.parse('{"reason":"r","mood":"bad"}') as { reason: string }
    expect(() => makeEvent({ type: 'v1.token.revoked', subjectId: 't', actor: 'ci', payload })).toThrow(
      expect.objectContaining({ kind: 'invalid-request' }),
    )
  })

  it.each([
    ['an empty subject id', '', 'ci'],
    ['a subject id of two lines', 'a\nb', 'ci'],
    ['an empty actor', 'p', ''],
    ['an actor with a lone surrogate', 'p', '\ud800'],
    ['an actor that is too long', 'p', 'x'.repeat(201)],
  ])('is refused with %s', (_, subjectId, actor) => {
    expect(() => makeEvent({ type: 'v1.package.discarded', subjectId, actor, payload: {} })).toThrow(
      expect.objectContaining({ kind: 'invalid-request' }),
    )
  })

  it('has an envelope with the digest of the payload in its place, frozen in this form', () => {
    expect(canonicalEnvelope(stored('v1.package.discarded', '{}'))).toBe(
      '{"actor":"ci","createdAt":"2026-01-02T03:04:05.006Z","eventType":"v1.package.discarded","payloadDigest":"6e46dd10defc9b56c29a6ec56b508c21f54c08192194e4df25bf36f0c9c3c279","sequence":7,"subjectId":"p","subjectKind":"package","subjectRevision":3}',
    )
  })
})

describe('the catalogue', () => {
  it('has every type that the design names', () => {
    expect(
      Object.keys(catalogue)
        .map(type => type.replace('v1.', ''))
        .join(' '),
    ).toBe(
      'package.created package.files-added package.file-removed package.finalized package.discarded package.labelled package.linked package.deleted alias.set alias.removed attestation.attached retention.assigned retention.extended retention.shortened hold.placed hold.released policy.published plan.created plan.approved plan.executed retrievals.recorded blob.stored blob.unreferenced blob.trashed blob.purged blob.restored fixity.checked fixity.failed fixity.repaired token.issued token.revoked',
    )
  })

  it.each(Object.entries(catalogue))('names %s by its type and says in a sentence what it means', (type, definition) => {
    expect(definition.type).toBe(type)
    expect(definition.type).toMatch(/^v1\.[a-z]+\.[a-z]+(-[a-z]+)*$/)
    expect(definition.meaning).toMatch(/^[A-Z].*\.$/)
  })

  it('knows its own types and no name that every object has', () => {
    expect(releasedDefinition('v1.blob.stored')).toBe(catalogue['v1.blob.stored'])
    expect(releasedDefinition('v2.blob.stored')).toBeUndefined()
    expect(releasedDefinition('toString')).toBeUndefined()
    expect(releasedDefinition('__proto__')).toBeUndefined()
  })

  it('tolerates an event of a type that it does not know', () => {
    expect(asKnown(stored('v9.future.invented', '{"x":1}'))).toBeUndefined()
    const known = asKnown(stored('v1.package.discarded', '{"reason":"r"}'))
    expect(known?.eventType satisfies EventType | undefined).toBe('v1.package.discarded')
  })
})

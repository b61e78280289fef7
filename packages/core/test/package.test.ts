import { describe, expect, it } from 'vitest'
import {
  blake3,
  decideCreate,
  decideDiscard,
  decideFinalize,
  decideRemoveFile,
  digestFromBytes,
  existingSeal,
  makeEvent,
  parseArtifactPath,
} from '../src/index.ts'
import { deleted, discarded, fileEntry, finalized, open, seal } from './sample-package.ts'

const sealed = expect.objectContaining({ kind: 'package-sealed' })
const wrongDigest = digestFromBytes(blake3('another manifest'))

describe('creating a package', () => {
  it('fills in what was left out', () => {
    const payload = decideCreate({ name: 'ci/nightly', kind: 'evidence' })
    expect(makeEvent({ type: 'v1.package.created', subjectId: open.id, actor: 'ci', payload }).payloadJson).toBe(
      '{"inputs":[],"kind":"evidence","labels":{},"name":"ci/nightly","retentionClass":"default"}',
    )
  })

  it('keeps what was said', () => {
    const digest = `sha256:${'a'.repeat(64)}`
    const request = {
      name: 'a',
      version: '1',
      kind: 'release',
      producer: 'me',
      labels: { k: 'v' },
      inputs: [{ uri: 'urn:x', digest }],
      retentionClass: 'short',
    }
    expect(decideCreate(request)).toEqual(request)
  })

  it.each([
    ['name', { name: 'No', kind: 'k' }],
    ['version', { name: 'a', kind: 'k', version: '+' }],
    ['kind', { name: 'a', kind: 'K' }],
    ['label', { name: 'a', kind: 'k', labels: { ':': '' } }],
    ['input digest', { name: 'a', kind: 'k', inputs: [{ uri: 'urn:x', digest: 'md5:0' }] }],
  ])('is refused with a wrong %s', (_, request) => {
    expect(() => decideCreate(request)).toThrow(expect.objectContaining({ kind: 'invalid-request' }))
  })
})

describe('removing a file', () => {
  const entry = fileEntry('a.txt')

  it('says which bytes were there', () => {
    expect(decideRemoveFile(open, entry.path, entry)).toEqual({ path: 'a.txt', digest: entry.digest, size: entry.size })
  })

  it('is refused when there is none', () => {
    expect(() => decideRemoveFile(open, parseArtifactPath('b'), undefined)).toThrow(
      expect.objectContaining({ kind: 'file-not-found' }),
    )
  })

  it.each([finalized, discarded, deleted])('is refused when the package is $state', head => {
    expect(() => decideRemoveFile(head, entry.path, entry)).toThrow(sealed)
  })
})

describe('finalizing a package', () => {
  it('seals an open one under its manifest', () => {
    expect(existingSeal(open)).toBeUndefined()
    expect(decideFinalize(open, seal)).toEqual({ outcome: 'finalized', payload: seal })
  })

  it('gives the same answer again, whatever manifest was made meanwhile', () => {
    expect(decideFinalize(finalized, { ...seal, manifestDigest: wrongDigest })).toEqual({ outcome: 'already', seal })
    expect(existingSeal(finalized, seal.manifestSha256)).toEqual(seal)
  })

  it.each([seal.manifestDigest, seal.manifestSha256])('goes through when the caller expected %s', expected => {
    expect(decideFinalize(open, seal, expected).outcome).toBe('finalized')
    expect(decideFinalize(finalized, seal, expected).outcome).toBe('already')
  })

  it.each([open, finalized])('is refused when $state and the caller expected another manifest', head => {
    expect(() => decideFinalize(head, seal, wrongDigest)).toThrow(
      expect.objectContaining({
        kind: 'manifest-mismatch',
        details: expect.objectContaining({ expected: wrongDigest, actual: seal.manifestDigest }),
      }),
    )
  })

  it.each([discarded, deleted])('is refused when the package is $state', head => {
    expect(() => decideFinalize(head, seal)).toThrow(sealed)
  })
})

describe('discarding a package', () => {
  it('gives an open one up', () => {
    expect(decideDiscard(open, 'made by mistake')).toEqual({ outcome: 'discarded', payload: { reason: 'made by mistake' } })
  })

  it('gives the same answer again', () => {
    expect(decideDiscard(discarded)).toEqual({ outcome: 'already' })
  })

  it.each([finalized, deleted])('is refused when the package is $state', head => {
    expect(() => decideDiscard(head)).toThrow(sealed)
  })
})

import { newPackageId, parseTokenId } from '@artifact-store/core'
import { findBlob, findRetention, findRetentions, findToken, findTokensBySecrets, listTokens } from '@artifact-store/views'
import { describe, expect, it } from 'vitest'
import { created, digestOf, event, stored } from './events.ts'
import { useTestViews } from './test-views.ts'

const views = await useTestViews()
const packageRow = (id: Parameters<typeof findRetention>[1]) => findRetention(views.db, id)

describe('retention', () => {
  it('begins with the class that the package was created with', async () => {
    const id = newPackageId()
    await views.show(created(id, { retentionClass: 'short' }))
    expect(await packageRow(id)).toEqual({ packageId: id, retentionClass: 'short', expiresAt: null, holds: {} })
  })

  it('follows what is assigned, extended and shortened', async () => {
    const id = newPackageId()
    const [soon, later] = ['2030-01-01T00:00:00.000Z', '2040-01-01T00:00:00.123Z']
    await views.show(created(id), event('v1.retention.assigned', id, { retentionClass: 'long', expiresAt: soon }))
    expect(await packageRow(id)).toMatchObject({ retentionClass: 'long', expiresAt: new Date(soon) })
    await views.show(event('v1.retention.extended', id, { expiresAt: later, reason: 'audit' }))
    expect(await packageRow(id)).toMatchObject({ retentionClass: 'long', expiresAt: new Date(later) })
    await views.show(event('v1.retention.shortened', id, { expiresAt: soon, reason: 'done' }))
    expect(await packageRow(id)).toMatchObject({ expiresAt: new Date(soon) })
    await views.show(event('v1.retention.assigned', id, { retentionClass: 'default' }))
    expect(await packageRow(id)).toMatchObject({ retentionClass: 'default', expiresAt: null })
  })

  it.each([
    '0001-01-01T00:00:00.000Z',
    '0030-06-01T12:00:00.001Z',
    '0099-12-31T23:59:59.999Z',
    '1850-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
  ])('reads a moment as it was written, however long ago: %s', async expiresAt => {
    const id = newPackageId()
    await views.show(created(id), event('v1.retention.assigned', id, { retentionClass: 'default', expiresAt }))
    expect(await packageRow(id)).toMatchObject({ expiresAt: new Date(expiresAt) })
    // Loaded, folded and written again.
    await views.show(event('v1.hold.placed', `hold-${expiresAt}`, { packageId: id, reason: 'audit', person: 'eve' }))
    expect(await packageRow(id)).toMatchObject({ expiresAt: new Date(expiresAt) })
  })

  it('keeps every hold until it is released', async () => {
    const id = newPackageId()
    const place = (hold: string, reason = 'audit') => event('v1.hold.placed', hold, { packageId: id, reason, person: 'eve' })
    const release = (hold: string) => event('v1.hold.released', hold, { packageId: id, reason: 'over' })
    const [, first, second] = await views.show(
      created(id),
      place('one'),
      place('two', 'a "suit"'),
      place('three'),
      release('three'),
    )
    const one = { reason: 'audit', person: 'eve', since: first?.createdAt.toISOString() }
    const two = { reason: 'a "suit"', person: 'eve', since: second?.createdAt.toISOString() }
    expect((await packageRow(id))?.holds).toEqual({ one, two })
    await views.show(release('one'), release('never placed'))
    expect((await packageRow(id))?.holds).toEqual({ two })
    await views.show(release('two'))
    expect((await packageRow(id))?.holds).toEqual({})
  })

  it('keeps a hold under whatever id it has', async () => {
    const id = newPackageId()
    await views.show(created(id), event('v1.hold.placed', '__proto__', { packageId: id, reason: 'audit', person: 'eve' }))
    expect(Object.keys((await packageRow(id))?.holds ?? {})).toEqual(['__proto__'])
    await views.show(event('v1.hold.released', '__proto__', { packageId: id, reason: 'over' }))
    expect(Object.keys((await packageRow(id))?.holds ?? {})).toEqual([])
  })

  it('is found for many packages at once', async () => {
    const ids = [newPackageId(), newPackageId()]
    await views.show(...ids.map(id => created(id)))
    expect(new Set((await findRetentions(views.db, [...ids, newPackageId()])).map(row => row.packageId))).toEqual(new Set(ids))
    expect(await findRetentions(views.db, [])).toEqual([])
  })
})

describe('a blob', () => {
  const digest = digestOf('x')
  const blob = () => findBlob(views.db, digest)
  const toThe = {
    trash: event('v1.blob.trashed', digest, { asOf: 1, keptUntil: '2030-01-01T00:00:00.000Z' }),
    grave: event('v1.blob.purged', digest, { asOf: 1, size: 1 }),
    shelf: event('v1.blob.restored', digest, { reason: 'wanted' }),
  }

  it('is known once it is stored', async () => {
    const [event_] = await views.show(stored('x'))
    expect(await blob()).toEqual({
      digest,
      sha256: expect.stringMatching(/^sha256:/),
      size: 1,
      state: 'stored',
      revision: 1,
      storedAt: event_?.createdAt,
      checkedAt: null,
      fixity: 'unchecked',
    })
  })

  it('goes to the trash, comes back, goes for good, and may be stored again', async () => {
    await views.show(stored('x'), event('v1.blob.unreferenced', digest, { asOf: 1 }))
    expect(await blob()).toMatchObject({ state: 'stored', revision: 2 })
    await views.show(toThe.trash)
    expect(await blob()).toMatchObject({ state: 'trashed', revision: 3 })
    await views.show(toThe.shelf)
    expect(await blob()).toMatchObject({ state: 'stored', revision: 4 })
    await views.show(toThe.trash, toThe.grave)
    expect(await blob()).toMatchObject({ state: 'purged', revision: 6 })
    const [again] = await views.show(stored('x'))
    expect(await blob()).toMatchObject({ state: 'stored', revision: 7, storedAt: again?.createdAt })
  })

  it('remembers what the last look at its bytes showed', async () => {
    const [, checked] = await views.show(stored('x'), event('v1.fixity.checked', digest, { size: 1, backend: 'fs' }))
    expect(await blob()).toMatchObject({ fixity: 'intact', checkedAt: checked?.createdAt })
    const [failed] = await views.show(event('v1.fixity.failed', digest, { backend: 'fs', finding: { kind: 'missing' } }))
    expect(await blob()).toMatchObject({ fixity: 'failed', checkedAt: failed?.createdAt })
    await views.show(event('v1.fixity.repaired', digest, { backend: 'fs', source: 'an upload' }))
    expect(await blob()).toMatchObject({ fixity: 'intact', state: 'stored', revision: 4 })
  })
})

describe('a token', () => {
  const id = parseTokenId('0123456789abcdef0123456789abcdef')
  const issued = event(
    'v1.token.issued',
    id,
    { secretDigest: digestOf('secret'), actor: 'ci', scopes: ['write', 'read'], description: 'for CI' },
    'root',
  )

  it('is found by its id and by the digest of its secret', async () => {
    const [issue] = await views.show(issued)
    const row = {
      tokenId: id,
      secretDigest: digestOf('secret'),
      actor: 'ci',
      scopes: ['write', 'read'],
      description: 'for CI',
      revision: 1,
      issuedAt: issue?.createdAt,
      issuedBy: 'root',
      expiresAt: null,
      revokedAt: null,
    }
    expect(await findToken(views.db, id)).toEqual(row)
    expect(await findTokensBySecrets(views.db, [digestOf('another secret'), digestOf('secret')])).toEqual([row])
    expect(await findTokensBySecrets(views.db, [digestOf('another secret')])).toEqual([])
  })

  it('is still found when it was revoked, and says since when', async () => {
    const [, revoked] = await views.show(issued, event('v1.token.revoked', id, { reason: 'leaked' }))
    expect(await findTokensBySecrets(views.db, [digestOf('secret')])).toMatchObject([
      { revision: 2, revokedAt: revoked?.createdAt },
    ])
  })

  it('is listed in the order of ids, a page at a time', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map(letter => parseTokenId(letter.repeat(32)))
    await views.show(
      ...[c, a, b].map((token = id) =>
        event('v1.token.issued', token, { secretDigest: digestOf(token), actor: 'ci', scopes: ['read'] }),
      ),
    )
    const first = await listTokens(views.db, { limit: 2 })
    expect(first.map(row => row.tokenId)).toEqual([a, b])
    expect((await listTokens(views.db, { after: b, limit: 2 })).map(row => row.tokenId)).toEqual([c])
  })
})

import type { EventType, NewEvent, PayloadOf } from '@artifact-store/core'
import type { RandomSource } from './random-source.ts'
import { about, type EventMaker, packageIn, type World } from './random-world.ts'

/** What happens around packages: to holds, aliases, policies, plans, blobs and tokens. */
export const otherEventMakers = {
  'v1.hold.placed'(world, random) {
    const packageId = packageIn(world, random, 'open', 'finalized')
    if (!packageId) return undefined
    const id = random.chance(0.1) ? random.text() : `hold-${random.hex(8)}`
    if (world.holds.has(id)) return undefined
    world.holds.set(id, packageId)
    return about('v1.hold.placed', id, random, { packageId, reason: random.text(), person: random.text() })
  },
  'v1.hold.released'(world, random) {
    const [id, packageId] = random.oneOf([...world.holds]) ?? []
    if (id === undefined || !packageId) return undefined
    world.holds.delete(id)
    return about('v1.hold.released', id, random, { packageId, reason: random.text() })
  },
  'v1.alias.set'(world, random) {
    const packageId = packageIn(world, random, 'finalized')
    if (!packageId) return undefined
    const name = random.oneOf(['latest', 'stable']) ?? ''
    const previousPackageId = world.aliases.get(name)
    world.aliases.set(name, packageId)
    return about('v1.alias.set', name, random, { packageId, previousPackageId })
  },
  'v1.alias.removed'(world, random) {
    const [name, previousPackageId] = random.oneOf([...world.aliases]) ?? []
    if (name === undefined || !previousPackageId) return undefined
    world.aliases.delete(name)
    return about('v1.alias.removed', name, random, { previousPackageId })
  },
  'v1.policy.published'(world, random) {
    world.policies += 1
    const policyDigest = random.content().digest
    return about('v1.policy.published', 'main', random, { version: world.policies, policyDigest, rules: [{ keep: '30d' }] })
  },
  'v1.plan.created': (_, random) =>
    about('v1.plan.created', `plan-${random.hex(8)}`, random, {
      planDigest: random.content().digest,
      planSize: 10,
      position: 1,
      policyDigest: random.content().digest,
      packageCount: 1,
      blobCount: 2,
      totalSize: 3,
    }),
  'v1.plan.approved': (_, random) => about('v1.plan.approved', 'plan', random, { planDigest: random.content().digest }),
  'v1.plan.executed': (_, random) =>
    about('v1.plan.executed', 'plan', random, {
      planDigest: random.content().digest,
      deletedPackages: 1,
      trashedBlobs: 2,
      keptItems: 3,
      totalSize: 4,
    }),
  'v1.retrievals.recorded': (_, random) =>
    about('v1.retrievals.recorded', 'gateway', random, {
      retrievals: [{ at: random.timestamp(), actor: 'reader', digest: random.content().digest, offset: 0, length: 1 }],
    }),
  'v1.blob.stored'(world, random) {
    const content = random.content()
    world.blobs.set(content.digest, 'stored')
    return about('v1.blob.stored', content.digest, random, content)
  },
  'v1.blob.unreferenced': (world, random) => aboutBlob(world, random, 'stored', 'v1.blob.unreferenced', { asOf: 1 }),
  'v1.blob.trashed': (world, random) =>
    aboutBlob(world, random, 'stored', 'v1.blob.trashed', { asOf: 1, keptUntil: random.timestamp() }, 'trashed'),
  'v1.blob.purged': (world, random) => aboutBlob(world, random, 'trashed', 'v1.blob.purged', { asOf: 1, size: 1 }, 'purged'),
  'v1.blob.restored': (world, random) =>
    aboutBlob(world, random, 'trashed', 'v1.blob.restored', { reason: random.text() }, 'stored'),
  'v1.fixity.checked': (world, random) => aboutBlob(world, random, 'stored', 'v1.fixity.checked', { size: 1, backend: 'fs' }),
  'v1.fixity.failed': (world, random) =>
    aboutBlob(world, random, 'stored', 'v1.fixity.failed', { backend: 'fs', finding: { kind: 'missing' } }),
  'v1.fixity.repaired': (world, random) =>
    aboutBlob(world, random, 'stored', 'v1.fixity.repaired', { backend: 'fs', source: 'an upload' }),
  'v1.token.issued'(world, random) {
    const id = random.hex(32)
    world.tokens.add(id)
    return about('v1.token.issued', id, random, {
      secretDigest: random.content().digest,
      actor: random.text(),
      scopes: random.chance(0.5) ? ['read'] : ['read', 'write', 'admin'],
      description: random.chance(0.5) ? random.text() : undefined,
      expiresAt: random.chance(0.5) ? random.timestamp() : undefined,
    })
  },
  'v1.token.revoked'(world, random) {
    const id = random.oneOf([...world.tokens])
    if (id === undefined) return undefined
    world.tokens.delete(id)
    return about('v1.token.revoked', id, random, {})
  },
} as const satisfies Record<string, EventMaker>

function aboutBlob<T extends EventType>(
  world: World,
  random: RandomSource,
  state: 'stored' | 'trashed',
  type: T,
  payload: PayloadOf<T>,
  next: 'stored' | 'trashed' | 'purged' = state,
): NewEvent | undefined {
  const digest = random.oneOf([...world.blobs].filter(([, now]) => now === state).map(([found]) => found))
  if (!digest) return undefined
  world.blobs.set(digest, next)
  return about(type, digest, random, payload)
}

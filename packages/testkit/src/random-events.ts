import {
  type ArtifactPath,
  type Digest,
  type EventType,
  type FileEntry,
  makeEvent,
  type NewEvent,
  type PackageId,
  type PackageState,
  type PayloadOf,
  parseArtifactPath,
  parsePackageKind,
  parsePackageName,
  parsePackageVersion,
} from '@artifact-store/core'
import type { RandomSource } from './random-source.ts'

/** What has happened so far, as far as it decides what can happen next. */
export interface World {
  readonly packages: Map<PackageId, { state: PackageState; readonly files: Map<ArtifactPath, FileEntry> }>
  readonly blobs: Map<Digest, 'stored' | 'trashed' | 'purged'>
  readonly holds: Map<string, PackageId>
  readonly tokens: Set<string>
  readonly aliases: Map<string, PackageId>
  policies: number
}

export function emptyWorld(): World {
  return { packages: new Map(), blobs: new Map(), holds: new Map(), tokens: new Set(), aliases: new Map(), policies: 0 }
}

type Maker = (world: World, random: RandomSource) => NewEvent | undefined

/** For every type of event: the next one of that type, or undefined where the world does not allow one. */
export const eventMakers = {
  'v1.package.created'(world, random) {
    // Few at a time, so that much happens to each.
    if ([...world.packages.values()].filter(p => p.state === 'open').length >= 4) return undefined
    const id = random.packageId()
    world.packages.set(id, { state: 'open', files: new Map() })
    return about('v1.package.created', id, random, {
      name: parsePackageName(random.oneOf(['ci/nightly', 'ci/weekly', 'release']) ?? ''),
      version: random.chance(0.5) ? parsePackageVersion(`1.${random.below(9)}`) : undefined,
      kind: parsePackageKind(random.oneOf(['evidence', 'sbom']) ?? ''),
      producer: random.chance(0.7) ? random.text() : undefined,
      labels: Object.fromEntries(['branch', 'b', 'os/arch'].filter(() => random.chance(0.6)).map(key => [key, random.text()])),
      inputs: random.chance(0.5) ? [{ uri: random.text(), digest: random.content().sha256 }, { uri: random.text() }] : [],
      retentionClass: 'default',
    })
  },
  'v1.package.files-added'(world, random) {
    const id = packageIn(world, random, 'open')
    const files = id && world.packages.get(id)?.files
    if (!files) return undefined
    const paths = new Set(Array.from({ length: 1 + random.below(8) }, () => randomPath(random)).filter(path => !files.has(path)))
    const added = [...paths].map(path => ({ path, ...random.content(), mediaType: 'text/plain' }))
    for (const file of added) files.set(file.path, file)
    return added.length === 0 ? undefined : about('v1.package.files-added', id, random, { files: added })
  },
  'v1.package.file-removed'(world, random) {
    const id = packageIn(world, random, 'open')
    const files = id && world.packages.get(id)?.files
    const file = files && random.oneOf([...files.values()])
    if (!file) return undefined
    files.delete(file.path)
    return about('v1.package.file-removed', id, random, { path: file.path, digest: file.digest, size: file.size })
  },
  'v1.package.finalized'(world, random) {
    const id = packageIn(world, random, 'open')
    const found = id && world.packages.get(id)
    if (!found || found.files.size === 0) return undefined
    found.state = 'finalized'
    const [manifest, config] = [random.content(), random.content()]
    return about('v1.package.finalized', id, random, {
      manifestDigest: manifest.digest,
      manifestSha256: manifest.sha256,
      manifestSize: manifest.size,
      configDigest: config.digest,
      configSha256: config.sha256,
      configSize: config.size,
      fileCount: found.files.size,
      totalSize: [...found.files.values()].reduce((sum, file) => sum + file.size, 0),
    })
  },
  'v1.package.discarded'(world, random) {
    const id = random.chance(0.5) ? packageIn(world, random, 'open') : undefined
    const found = id && world.packages.get(id)
    if (!found) return undefined
    found.state = 'discarded'
    return about('v1.package.discarded', id, random, { reason: random.chance(0.5) ? random.text() : undefined })
  },
  'v1.package.deleted'(world, random) {
    const id = packageIn(world, random, 'finalized')
    const found = id && world.packages.get(id)
    if (!found || [...world.holds.values()].includes(id)) return undefined
    found.state = 'deleted'
    return about('v1.package.deleted', id, random, { reason: `${random.text()}\nand more` })
  },
  'v1.package.labelled': (world, random) =>
    aboutPackage(world, random, 'v1.package.labelled', {
      set: Object.fromEntries(['branch', 'new.key'].filter(() => random.chance(0.5)).map(key => [key, random.text()])),
      remove: ['branch', 'b', 'os/arch', 'absent'].filter(() => random.chance(0.3)),
    }),
  'v1.package.linked': (world, random) =>
    aboutPackage(world, random, 'v1.package.linked', { relation: 'derived-from', target: random.text() }),
  'v1.attestation.attached': (world, random) =>
    aboutPackage(world, random, 'v1.attestation.attached', {
      ...random.content(),
      mediaType: 'application/vnd.in-toto+json',
      predicateType: 'https://slsa.dev/provenance/v1',
    }),
  'v1.retention.assigned': (world, random) =>
    aboutPackage(world, random, 'v1.retention.assigned', {
      retentionClass: random.oneOf(['default', 'long']) ?? '',
      expiresAt: random.chance(0.5) ? random.timestamp() : undefined,
    }),
  'v1.retention.extended': (world, random) =>
    aboutPackage(world, random, 'v1.retention.extended', { expiresAt: random.timestamp(), reason: random.text() }),
  'v1.retention.shortened': (world, random) =>
    aboutPackage(world, random, 'v1.retention.shortened', { expiresAt: random.timestamp(), reason: random.text() }),
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
} as const satisfies Record<EventType, Maker>

function about<T extends EventType>(type: T, subjectId: string, random: RandomSource, payload: PayloadOf<T>): NewEvent {
  return makeEvent({ type, subjectId, actor: random.text(), payload })
}

function aboutPackage<T extends EventType>(
  world: World,
  random: RandomSource,
  type: T,
  payload: PayloadOf<T>,
): NewEvent | undefined {
  const id = packageIn(world, random, 'open', 'finalized')
  return id && about(type, id, random, payload)
}

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

function packageIn(world: World, random: RandomSource, ...states: PackageState[]): PackageId | undefined {
  return random.oneOf([...world.packages].filter(([, { state }]) => states.includes(state)).map(([id]) => id))
}

/** One of some sixty, so that files are removed and added again. */
function randomPath(random: RandomSource): ArtifactPath {
  return parseArtifactPath(
    `${random.oneOf(['a', 'a.b', 'ä', '\u{1f600}', '\uffee'])}/${random.oneOf(['x', "y'", '"z', 'NULL'])}/${random.below(3)}`,
  )
}

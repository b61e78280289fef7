import {
  type ArtifactPath,
  parseArtifactPath,
  parsePackageKind,
  parsePackageName,
  parsePackageVersion,
} from '@artifact-store/core'
import type { RandomSource } from './random-source.ts'
import { about, aboutPackage, type EventMaker, packageIn } from './random-world.ts'

/** What happens to packages themselves. */
export const packageEventMakers = {
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
} as const satisfies Record<string, EventMaker>

/** One of some sixty, so that files are removed and added again. */
function randomPath(random: RandomSource): ArtifactPath {
  return parseArtifactPath(
    `${random.oneOf(['a', 'a.b', 'ä', '\u{1f600}', '\uffee'])}/${random.oneOf(['x', "y'", '"z', 'NULL'])}/${random.below(3)}`,
  )
}

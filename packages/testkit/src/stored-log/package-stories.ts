import { type NewEvent, parseArtifactPath, parsePackageKind, parsePackageName, parsePackageVersion } from '@artifact-store/core'
import { contentOf, largest, longMediaType, longReason, packageIdOf, textOf, thousandFiles } from './sample-values.ts'
import { tell } from './tell.ts'

/** What can happen to a package: with as little as may be said, and with as much. */
export function packageStories(): NewEvent[] {
  return [...saidLittle(), ...saidMuch(), ...discarded(), ...leftOpen()]
}

const digestsOf = (name: string, size: number) => {
  const [manifest, config] = [contentOf(`${name} manifest`, size), contentOf(`${name} config`, size)]
  return {
    manifestDigest: manifest.digest,
    manifestSha256: manifest.sha256,
    manifestSize: manifest.size,
    configDigest: config.digest,
    configSha256: config.sha256,
    configSize: config.size,
  }
}

function saidLittle(): NewEvent[] {
  const id = packageIdOf(1)
  const file = { path: parseArtifactPath('a'), ...contentOf('a'), mediaType: 'a/b' }
  return [
    tell('v1.package.created', id, {
      name: parsePackageName('a'),
      kind: parsePackageKind('a'),
      labels: {},
      inputs: [],
      retentionClass: 'a',
    }),
    tell('v1.package.files-added', id, { files: [file] }, 'x'),
    tell('v1.package.file-removed', id, { path: file.path, digest: file.digest, size: file.size }),
    tell('v1.package.labelled', id, { set: {}, remove: [] }),
    tell('v1.package.linked', id, { relation: 'a', target: 'a' }),
    tell('v1.attestation.attached', id, { ...contentOf('statement'), mediaType: 'a/b', predicateType: 'a' }),
    tell('v1.retention.assigned', id, { retentionClass: 'a' }),
    tell('v1.retention.extended', id, { expiresAt: '0001-01-01T00:00:00.000Z', reason: 'a' }),
    tell('v1.retention.shortened', id, { expiresAt: '0001-01-01T00:00:00.000Z', reason: 'a' }),
    tell('v1.hold.placed', 'a', { packageId: id, reason: 'a', person: 'a' }),
    tell('v1.hold.released', 'a', { packageId: id, reason: 'a' }),
    tell('v1.package.finalized', id, { ...digestsOf('little', 0), fileCount: 0, totalSize: 0 }),
    tell('v1.package.deleted', id, { reason: 'a' }),
  ]
}

function saidMuch(): NewEvent[] {
  const [id, other] = [packageIdOf(2), packageIdOf(3)]
  const files = thousandFiles()
  const [first] = files
  const actor = textOf(200)
  const labels = Object.fromEntries(
    Array.from({ length: 64 }, (_, i) => [i === 0 ? `a${'/'.repeat(126)}b` : `label.${i}`, `${i}`]),
  )
  const inputs = Array.from({ length: 998 }, (_, i) => ({ uri: `pkg:npm/some-package@1.0.${i}` }))
  const large = {
    path: parseArtifactPath('reports/größe \u{1f600}.txt'),
    ...contentOf('large', largest),
    mediaType: longMediaType,
  }
  return [
    tell(
      'v1.package.created',
      id,
      {
        name: parsePackageName(`${'a'.repeat(127)}/${'b'.repeat(127)}`),
        version: parsePackageVersion(`_${'v'.repeat(127)}`),
        kind: parsePackageKind('k'.repeat(64)),
        producer: textOf(500),
        labels: { ...labels, 'label.1': textOf(1024), 'label.2': '' },
        inputs: [
          { uri: textOf(2048), digest: contentOf('input').digest },
          { uri: 'https://example.org/', digest: contentOf('input').sha256 },
          ...inputs,
        ],
        retentionClass: 'r'.repeat(64),
      },
      actor,
    ),
    tell('v1.package.files-added', id, { files }, actor),
    ...(first ? [tell('v1.package.file-removed', id, { path: first.path, digest: first.digest, size: first.size }, actor)] : []),
    tell('v1.package.labelled', id, { set: { 'label.2': textOf(1024), new: 'é' }, remove: Object.keys(labels) }, actor),
    tell('v1.package.linked', id, { relation: `${'a'.repeat(62)}-b`, target: textOf(2048) }, actor),
    tell(
      'v1.attestation.attached',
      id,
      { ...contentOf('long statement', largest), mediaType: longMediaType, predicateType: textOf(2048) },
      actor,
    ),
    tell('v1.retention.assigned', id, { retentionClass: 'r'.repeat(64), expiresAt: '9999-12-31T23:59:59.999Z' }, actor),
    tell('v1.retention.extended', id, { expiresAt: '9999-12-31T23:59:59.999Z', reason: longReason() }, actor),
    tell('v1.retention.shortened', id, { expiresAt: '2024-02-29T12:00:00.001Z', reason: longReason() }, actor),
    tell('v1.hold.placed', textOf(300), { packageId: id, reason: longReason(), person: textOf(200) }, actor),
    tell('v1.package.finalized', id, { ...digestsOf('much', largest), fileCount: 999, totalSize: 999 * 12 }, actor),
    tell('v1.hold.released', textOf(300), { packageId: id, reason: longReason() }, actor),
    // The rows of a thousand files go with it; those of the large one stay.
    tell('v1.package.deleted', id, { reason: longReason(), planDigest: contentOf('plan').digest }, actor),
    tell('v1.package.created', other, {
      name: parsePackageName('ci/nightly'),
      kind: parsePackageKind('evidence'),
      producer: 'a',
      labels: {},
      inputs: [{ uri: 'a' }],
      retentionClass: 'default',
    }),
    tell('v1.package.files-added', other, { files: [large] }),
    tell('v1.package.file-removed', other, { path: large.path, digest: large.digest, size: large.size }),
    tell('v1.package.files-added', other, { files: [large] }),
    tell('v1.hold.placed', 'hold', { packageId: other, reason: longReason(), person: textOf(200) }),
    tell('v1.package.finalized', other, { ...digestsOf('large', 1), fileCount: largest, totalSize: largest }),
  ]
}

function discarded(): NewEvent[] {
  return [undefined, 'a', longReason()].flatMap((reason, i) => {
    const id = packageIdOf(10 + i)
    const created = {
      name: parsePackageName('ci/trial'),
      kind: parsePackageKind('evidence'),
      labels: {},
      inputs: [],
      retentionClass: 'default',
    }
    return [tell('v1.package.created', id, created), tell('v1.package.discarded', id, { reason })]
  })
}

/** One that a later version can go on with. */
function leftOpen(): NewEvent[] {
  const id = packageIdOf(20)
  const created = {
    name: parsePackageName('ci/nightly'),
    version: parsePackageVersion('1.0'),
    kind: parsePackageKind('evidence'),
    producer: 'ci',
    labels: { branch: 'main' },
    inputs: [],
    retentionClass: 'default',
  }
  const file = { path: parseArtifactPath('report.txt'), ...contentOf('report', 6), mediaType: 'text/plain' }
  return [tell('v1.package.created', id, created), tell('v1.package.files-added', id, { files: [file] })]
}

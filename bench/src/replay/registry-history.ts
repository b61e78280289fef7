import { createHash } from 'node:crypto'
import {
  blake3,
  type ContentDigests,
  canonicalJson,
  digestFromBytes,
  type EventType,
  eventDefinition,
  type FileEntry,
  type NewEvent,
  type PackageId,
  type PayloadOf,
  parseArtifactPath,
  parsePackageId,
  parsePackageKind,
  parsePackageName,
  parsePackageVersion,
  parseSha256,
} from '@artifact-store/core'
import { type Choices, choices } from './choices.ts'

/**
 * What a registry at work writes into its log, as the appends of its requests, without end: packages are opened many at a time, get
 * files in a few additions, each behind the blobs that are news, and are finalized; later some are labelled, assigned to a class, held,
 * deleted; a scrubber checks blobs of any age, and what is downloaded or aliased is noted, which no view shows. The same seed gives the
 * same history, and its memory does not grow with its length.
 */
export function* registryHistory(seed: number): Generator<Appended, never> {
  const random = choices(seed)
  const open: OpenPackage[] = []
  const closed: ClosedPackage[] = []
  const counts = { packages: 0, blobs: 0 }
  for (;;) {
    if (counts.blobs > 0 && random.chance(0.12)) yield [fixityChecked(random.below(counts.blobs))]
    else if (closed.length > 0 && random.chance(0.06)) yield [noted(random, closed, counts.packages)]
    else if (closed.length > 500 && random.chance(0.35)) yield [grownOlder(random, closed)]
    else if (open.length < 64) yield [opened(random, open, counts)]
    else yield advanced(random, open, closed, counts)
  }
}

/** The events of one append. */
export type Appended = readonly NewEvent[]

interface OpenPackage {
  readonly id: PackageId
  readonly number: number
  readonly files: FileEntry[]
  additions: number
}

/** What is still to happen to a package that was finalized, in this order. */
interface ClosedPackage {
  readonly id: PackageId
  readonly number: number
  readonly later: Later[]
}
type Later = 'label' | 'assign' | 'hold' | 'release' | 'delete'

interface Counts {
  packages: number
  blobs: number
}

function opened(random: Choices, open: OpenPackage[], counts: Counts): NewEvent {
  const number = counts.packages++
  const id = packageIdOf(number)
  open.push({ id, number, files: [], additions: 1 + random.below(3) })
  return fact('v1.package.created', id, {
    name: parsePackageName(`team-${number % 40}/pipeline-${number % 1000}`),
    version: random.chance(0.5) ? parsePackageVersion(`1.${number % 90}.${number % 7}`) : undefined,
    kind: parsePackageKind(random.oneOf(['evidence', 'sbom', 'release', 'test-report', 'snapshot'])),
    producer: `build ${number} of the nightly pipeline`,
    labels: { branch: random.oneOf(['main', 'next', 'stable']), platform: 'linux-x64', run: String(number) },
    inputs: [{ uri: `https://git.example.com/team-${number % 40}/source`, digest: contentOf(number).sha256 }],
    retentionClass: 'default',
  })
}

/** One addition, or the end, of a package that is open. */
function advanced(random: Choices, open: OpenPackage[], closed: ClosedPackage[], counts: Counts): Appended {
  const at = random.below(open.length)
  const one = open[at] as OpenPackage
  if (one.additions > 0) return added(random, one, counts)
  if (one.files.length > 1 && random.chance(0.05)) return [removed(one)]
  open.splice(at, 1)
  if (random.chance(0.03)) return [fact('v1.package.discarded', one.id, { reason: 'the job was cancelled' })]
  closed.push({ id: one.id, number: one.number, later: futureOf(random) })
  return finalized(one, counts)
}

function added(random: Choices, one: OpenPackage, counts: Counts): Appended {
  const events: NewEvent[] = []
  const files = Array.from({ length: 1 + random.below(4) }, (_, i): FileEntry => {
    const known = counts.blobs > 0 && random.chance(0.25)
    const content = known ? contentOf(random.below(counts.blobs)) : stored(counts, events)
    const path = parseArtifactPath(`reports/${one.additions}/unit-${i}/result-of-test-${one.number % 500}.xml`)
    return { path, ...content, mediaType: 'application/xml' }
  })
  one.additions -= 1
  one.files.push(...files)
  return [...events, fact('v1.package.files-added', one.id, { files })]
}

function removed(one: OpenPackage): NewEvent {
  const { path, digest, size } = one.files.shift() as FileEntry
  return fact('v1.package.file-removed', one.id, { path, digest, size })
}

function finalized(one: OpenPackage, counts: Counts): Appended {
  const events: NewEvent[] = []
  const [manifest, config] = [stored(counts, events), stored(counts, events)]
  const seal = fact('v1.package.finalized', one.id, {
    manifestDigest: manifest.digest,
    manifestSha256: manifest.sha256,
    manifestSize: manifest.size,
    configDigest: config.digest,
    configSha256: config.sha256,
    configSize: config.size,
    fileCount: one.files.length,
    totalSize: one.files.reduce((sum, file) => sum + file.size, 0),
  })
  return [...events, seal]
}

function stored(counts: Counts, events: NewEvent[]): ContentDigests {
  const content = contentOf(counts.blobs++)
  events.push(fact('v1.blob.stored', content.digest, content))
  return content
}

/** At most one of each, so that what became of a package can also be said by plain SQL. */
function futureOf(random: Choices): Later[] {
  const later: Later[] = []
  if (random.chance(0.3)) later.push('label')
  if (random.chance(0.4)) later.push('assign')
  if (random.chance(0.05)) later.push('hold', ...(random.chance(0.5) ? (['release'] as const) : []))
  else if (random.chance(0.1)) later.push('delete')
  return later.length === 0 ? ['assign'] : later
}

function grownOlder(random: Choices, closed: ClosedPackage[]): NewEvent {
  const at = random.below(closed.length)
  const { id, number, later } = closed[at] as ClosedPackage
  const next = later.shift()
  if (later.length === 0) closed.splice(at, 1)
  switch (next) {
    case 'label':
      return fact('v1.package.labelled', id, { set: { stage: 'released', reviewed: 'yes' }, remove: ['branch'] })
    case 'hold':
      return fact('v1.hold.placed', `hold-${number}`, { packageId: id, reason: 'an audit is open', person: 'dana@example.com' })
    case 'release':
      return fact('v1.hold.released', `hold-${number}`, { packageId: id, reason: 'the audit is closed' })
    case 'delete':
      return fact('v1.package.deleted', id, { reason: 'its class keeps thirty days' })
    default:
      return fact('v1.retention.assigned', id, { retentionClass: 'audited', expiresAt: '2033-01-01T00:00:00.000Z' })
  }
}

function fixityChecked(blob: number): NewEvent {
  const { digest, size } = contentOf(blob)
  return fact('v1.fixity.checked', digest, { size, backend: 'fs' })
}

/** What the log tells and no view shows. */
function noted(random: Choices, closed: readonly ClosedPackage[], packages: number): NewEvent {
  const { id, number } = closed[random.below(closed.length)] as ClosedPackage
  if (random.chance(0.3)) return fact('v1.alias.set', `team-${number % 40}/latest-${number % 1000}`, { packageId: id })
  const { digest, size } = contentOf(number)
  const retrieval = { at: '2026-01-01T00:00:00.000Z', actor: 'ci', digest, packageId: id, offset: 0, length: size }
  return fact('v1.retrievals.recorded', `retrievals-${packages % 100}`, { retrievals: [retrieval, retrieval, retrieval] })
}

/** Like `makeEvent`, whose check of the payload against its schema takes longer than all the rest. */
function fact<T extends EventType>(type: T, subjectId: string, payload: PayloadOf<T>): NewEvent {
  const payloadJson = canonicalJson(payload)
  return {
    eventType: type,
    subjectKind: eventDefinition(type).subject,
    subjectId,
    actor: 'ci@example.com',
    payloadJson,
    payloadDigest: blake3(payloadJson),
  }
}

/** Ids of one time after the other, as packages get them. */
function packageIdOf(number: number): PackageId {
  const time = (0x0198_c0de_0000 + number).toString(16).padStart(12, '0')
  const tail = Buffer.from(blake3(`package ${number}`)).toString('hex')
  return parsePackageId(`${time.slice(0, 8)}-${time.slice(8)}-7${tail.slice(0, 3)}-8${tail.slice(3, 6)}-${tail.slice(6, 18)}`)
}

function contentOf(number: number): ContentDigests {
  const text = `blob ${number}`
  return {
    digest: digestFromBytes(blake3(text)),
    sha256: parseSha256(`sha256:${createHash('sha256').update(text).digest('hex')}`),
    size: 1000 + ((number * 7919) % 900_001),
  }
}

import {
  blake3,
  type Digest,
  digestFromBytes,
  type EventType,
  type FileEntry,
  makeEvent,
  type NewEvent,
  type PackageId,
  type PayloadOf,
  parseArtifactPath,
  parsePackageKind,
  parsePackageName,
  parseSha256,
} from '@artifact-store/core'

/** An event by "ci" about that subject. */
export function event<T extends EventType>(type: T, subjectId: string, payload: PayloadOf<T>, actor = 'ci'): NewEvent {
  return makeEvent({ type, subjectId, actor, payload })
}

type CreatedPayload = PayloadOf<'v1.package.created'>

export function created(
  id: PackageId,
  say: Partial<Omit<CreatedPayload, 'name' | 'kind'>> & { readonly name?: string; readonly kind?: string } = {},
): NewEvent {
  const { name = 'ci/nightly', kind = 'evidence', labels = {}, inputs = [], retentionClass = 'default', ...rest } = say
  return event('v1.package.created', id, {
    ...rest,
    name: parsePackageName(name),
    kind: parsePackageKind(kind),
    labels,
    inputs,
    retentionClass,
  })
}

/** A file whose bytes are the given text; its SHA-256 is made up. */
export function file(path: string, content = path): FileEntry {
  return { path: parseArtifactPath(path), ...contentOf(content), mediaType: 'text/plain' }
}

export function added(id: PackageId, ...files: readonly FileEntry[]): NewEvent {
  return event('v1.package.files-added', id, { files: files.map(f => ({ ...f })) })
}

export function removed(id: PackageId, { path, digest, size }: FileEntry): NewEvent {
  return event('v1.package.file-removed', id, { path, digest, size })
}

export function finalized(id: PackageId, files: readonly FileEntry[] = []): NewEvent {
  const [manifest, config] = [contentOf('manifest'), contentOf('config')]
  return event('v1.package.finalized', id, {
    manifestDigest: manifest.digest,
    manifestSha256: manifest.sha256,
    manifestSize: manifest.size,
    configDigest: config.digest,
    configSha256: config.sha256,
    configSize: config.size,
    fileCount: files.length,
    totalSize: files.reduce((sum, { size }) => sum + size, 0),
  })
}

export function stored(content: string): NewEvent {
  const { digest, sha256, size } = contentOf(content)
  return event('v1.blob.stored', digest, { digest, sha256, size })
}

export function digestOf(content: string): Digest {
  return digestFromBytes(blake3(content))
}

/** From a version to come. */
export function unknownEvent(subjectId: string): NewEvent {
  const payloadJson = '{"colour":"blue"}'
  return {
    eventType: 'v2.package.painted',
    subjectKind: 'package',
    subjectId,
    actor: 'ci',
    payloadJson,
    payloadDigest: blake3(payloadJson),
  }
}

function contentOf(content: string) {
  const digest = digestOf(content)
  return {
    digest,
    sha256: parseSha256(`sha256:${Buffer.from(blake3(`${content} again`)).toString('hex')}`),
    size: Buffer.byteLength(content),
  }
}

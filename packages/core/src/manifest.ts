import { comparePathBytes } from './artifact-path.ts'
import { blake3 } from './blake3.ts'
import { canonicalJson } from './canonical-json.ts'
import { type ContentDigests, digestFromBytes, parseSha256 } from './digest.ts'
import { ArtifactError } from './errors.ts'
import type { FileEntry, PackageFacts } from './package.ts'

export const manifestMediaType = 'application/vnd.oci.image.manifest.v1+json'
export const packageArtifactType = 'application/vnd.artifact-store.package.v1+json'
export const configMediaType = 'application/vnd.artifact-store.package.config.v1+json'
/** OCI image-spec 1.1, "guidance for an empty descriptor". */
export const emptyMediaType = 'application/vnd.oci.empty.v1+json'
/** On a layer: the file's path. ORAS and its kin name the pulled file by it. */
export const titleAnnotation = 'org.opencontainers.image.title'
/** On the config and every layer: the digest by which the registry itself knows the bytes. */
export const blake3Annotation = 'io.artifact-store.blake3'

/**
 * The empty JSON object of OCI image-spec 1.1. A package without files has it as its only layer, because the specification says that
 * `layers` SHOULD have an entry for portability. Its bytes stand in the descriptor; a registry that serves `/v2` must have the blob too.
 */
export const emptyBlob: ContentDigests & { readonly text: string } = {
  text: '{}',
  digest: digestFromBytes(blake3('{}')),
  sha256: parseSha256('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'),
  size: 2,
}

/** How long a piece of the manifest gets, in bytes of UTF-8: no piece has more, unless its annotations alone do. */
export const manifestChunkBytes = 64 * 1024

/** The package's own metadata as the config blob: RFC 8785 JSON of what can never change after finalize. */
export function packageConfig(head: PackageFacts): string {
  const { id, name, version, kind, producer, labels, inputs, createdAt, createdBy } = head
  return canonicalJson({ id, name, version, kind, producer, labels, inputs, createdAt: createdAt.toISOString(), createdBy })
}

/** What the manifest says of the package to tools that know only OCI's own annotation keys. */
export function manifestAnnotations(head: PackageFacts): Readonly<Record<string, string>> {
  return {
    'org.opencontainers.image.created': head.createdAt.toISOString(),
    [titleAnnotation]: head.name,
    ...(head.version === undefined ? {} : { 'org.opencontainers.image.version': head.version }),
  }
}

/**
 * The manifest of a package as an OCI image manifest (image-spec 1.1), in pieces of at most 64 KiB which together are exactly its
 * RFC 8785 form. Memory does not grow with the number of files.
 * @param files in the order of their paths' bytes (`comparePathBytes`), each path once.
 * @throws ArtifactError `internal` when the order is another.
 */
export async function* manifestChunks(
  config: ContentDigests,
  files: AsyncIterable<FileEntry> | Iterable<FileEntry>,
  annotations: Readonly<Record<string, string>>,
): AsyncGenerator<string, void, undefined> {
  let chunk = opening(config, annotations)
  let bytes = Buffer.byteLength(chunk)
  let previous: string | undefined
  for await (const file of files) {
    if (previous !== undefined && comparePathBytes(previous, file.path) >= 0) {
      throw new ArtifactError(
        'internal',
        `the files of a manifest are out of order: ${JSON.stringify(file.path)} came after ${JSON.stringify(previous)}`,
      )
    }
    const layer = `${previous === undefined ? '' : ','}${canonicalJson(fileLayer(file))}`
    const layerBytes = Buffer.byteLength(layer)
    if (bytes + layerBytes > manifestChunkBytes) {
      yield chunk
      chunk = ''
      bytes = 0
    }
    chunk += layer
    bytes += layerBytes
    previous = file.path
  }
  if (previous === undefined) chunk += canonicalJson(emptyLayer)
  const closing = `],"mediaType":${JSON.stringify(manifestMediaType)},"schemaVersion":2}`
  if (bytes + closing.length > manifestChunkBytes) {
    yield chunk
    chunk = ''
  }
  yield chunk + closing
}

const emptyLayer = {
  data: Buffer.from(emptyBlob.text).toString('base64'),
  digest: emptyBlob.sha256,
  mediaType: emptyMediaType,
  size: emptyBlob.size,
}

function fileLayer({ path, digest, sha256, size, mediaType }: FileEntry) {
  return { annotations: { [blake3Annotation]: digest, [titleAnnotation]: path }, digest: sha256, mediaType, size }
}

/** Everything that sorts before the first layer. */
function opening({ digest, sha256, size }: ContentDigests, annotations: Readonly<Record<string, string>>): string {
  const head = canonicalJson({
    // An empty object says no more than none.
    annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
    artifactType: packageArtifactType,
    config: { annotations: { [blake3Annotation]: digest }, digest: sha256, mediaType: configMediaType, size },
  })
  return `${head.slice(0, -1)},"layers":[`
}

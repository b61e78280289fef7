import { z } from 'zod'
import { comparePathBytes } from './artifact-path.ts'
import type { ContentDigests } from './digest.ts'
import { ArtifactError } from './errors.ts'
import { digest, mediaType, path, sha256, size } from './events/fields.ts'
import {
  blake3Annotation,
  configMediaType,
  emptyBlob,
  emptyMediaType,
  manifestMediaType,
  packageArtifactType,
  titleAnnotation,
} from './manifest.ts'
import type { FileEntry } from './package.ts'
import { parseStrictJson } from './strict-json.ts'

/** What a package's manifest says. */
export interface Manifest {
  readonly config: ContentDigests
  readonly annotations: Readonly<Record<string, string>>
  /** In the order of their paths' bytes, each path once. Every path is one that `parseArtifactPath` lets through. */
  readonly files: readonly FileEntry[]
}

/**
 * Reads a manifest that `manifestChunks` wrote. It does not check the digest of the bytes: who fetched them knows which one they must have.
 * @throws ArtifactError `invalid-json`, or `invalid-request` when this is not the manifest of a package (any other OCI manifest, say).
 */
export function parseManifest(bytes: string | Uint8Array): Manifest {
  const parsed = manifestSchema.safeParse(parseStrictJson(bytes))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw notAManifest(`${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'invalid'}`)
  }
  const { config, annotations = {}, layers } = parsed.data
  const files = layers.flatMap(layer => ('data' in layer ? [] : [fileOf(layer)]))
  if (files.length !== layers.length && layers.length !== 1) throw notAManifest('layers: the empty layer stands beside files')
  for (const [i, file] of files.entries()) {
    const previous = files[i - 1]
    if (previous && comparePathBytes(previous.path, file.path) >= 0)
      throw notAManifest(`layers.${i}: ${JSON.stringify(file.path)} is out of order`)
  }
  return {
    config: { digest: config.annotations[blake3Annotation], sha256: config.digest, size: config.size },
    annotations,
    files,
  }
}

const layerSchema = z.strictObject({
  annotations: z.strictObject({ [blake3Annotation]: digest, [titleAnnotation]: path }),
  digest: sha256,
  mediaType,
  size,
})

const emptyLayerSchema = z.strictObject({
  data: z.string(),
  digest: z.literal(emptyBlob.sha256),
  mediaType: z.literal(emptyMediaType),
  size: z.literal(emptyBlob.size),
})

const manifestSchema = z.strictObject({
  annotations: z.record(z.string(), z.string()).optional(),
  artifactType: z.literal(packageArtifactType),
  config: z.strictObject({
    annotations: z.strictObject({ [blake3Annotation]: digest }),
    digest: sha256,
    mediaType: z.literal(configMediaType),
    size,
  }),
  layers: z.array(z.union([layerSchema, emptyLayerSchema])).min(1),
  mediaType: z.literal(manifestMediaType),
  schemaVersion: z.literal(2),
})

function fileOf(layer: z.output<typeof layerSchema>): FileEntry {
  return {
    path: layer.annotations[titleAnnotation],
    digest: layer.annotations[blake3Annotation],
    sha256: layer.digest,
    size: layer.size,
    mediaType: layer.mediaType,
  }
}

function notAManifest(why: string): ArtifactError {
  return new ArtifactError('invalid-request', `this is not the manifest of a package: ${why}`)
}

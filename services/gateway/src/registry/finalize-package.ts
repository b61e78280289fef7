import {
  type AnyDigest,
  type ContentDigests,
  decideFinalize,
  emptyBlob,
  existingSeal,
  makeEvent,
  manifestAnnotations,
  manifestChunks,
  type PackageHead,
  type PackageId,
  type PackageSeal,
  packageConfig,
} from '@artifact-store/core'
import { eachFile, findBlobs } from '@artifact-store/views'
import type { GatewayContext } from '../context.ts'
import { type Decided, decideAndAppend } from './decide-and-append.ts'
import { packageHead } from './package-head.ts'
import { blobsStored, storeBytes } from './store-blob.ts'

/**
 * Writes config and manifest as blobs, then the event that seals the package under them. The files are read page by page; the seal
 * holds only if the package still has the revision at which the reading began, so the manifest names exactly its files.
 * @throws ArtifactError `package-not-found`, `package-sealed`, `manifest-mismatch`; what storing and appending throw.
 */
export function finalizePackage(
  gateway: GatewayContext,
  id: PackageId,
  actor: string,
  expectedManifestDigest: AnyDigest | undefined,
  signal: AbortSignal,
): Promise<Decided<PackageSeal>> {
  return decideAndAppend(gateway, async () => {
    const head = await packageHead(gateway, id)
    const existing = existingSeal(head, expectedManifestDigest)
    if (existing) return { answer: existing }

    const { contents, seal } = await writeManifest(gateway, head, signal)
    const decision = decideFinalize(head, seal, expectedManifestDigest)
    if (decision.outcome === 'already') return { answer: decision.seal }
    const known = await findBlobs(
      gateway.views,
      contents.map(content => content.digest),
    )
    const { events, conditions } = blobsStored(contents, known, actor)
    const finalized = makeEvent({ type: 'v1.package.finalized', subjectId: id, actor, payload: decision.payload })
    const [first, ...rest] = [...events, finalized]
    return {
      answer: seal,
      append: {
        events: [first ?? finalized, ...rest],
        conditions: [{ subject: { kind: 'package', id }, revision: head.revision }, ...conditions],
      },
    }
  })
}

/** Stores the manifest and what it refers to beside the files. */
async function writeManifest(
  gateway: GatewayContext,
  head: PackageHead,
  signal: AbortSignal,
): Promise<{ contents: ContentDigests[]; seal: PackageSeal }> {
  const store = (pieces: AsyncIterable<string> | Iterable<string>) =>
    storeBytes(gateway, { bytes: encoded(pieces), size: undefined, expect: [], signal })
  const config = await store([packageConfig(head)])
  const manifest = await store(manifestChunks(config, eachFile(gateway.views, head.id), manifestAnnotations(head)))
  // A manifest without files names the empty blob, which must be there for whoever pulls it.
  const contents = head.fileCount === 0 ? [config, manifest, await store([emptyBlob.text])] : [config, manifest]
  const seal = {
    manifestDigest: manifest.digest,
    manifestSha256: manifest.sha256,
    manifestSize: manifest.size,
    configDigest: config.digest,
    configSha256: config.sha256,
    configSize: config.size,
    fileCount: head.fileCount,
    totalSize: head.totalSize,
  }
  return { contents, seal }
}

async function* encoded(pieces: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield Buffer.from(piece)
}

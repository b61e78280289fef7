import { expect } from 'vitest'
import { z } from 'zod'
import { type FileFacts, factsOf } from './file-tree.ts'
import type { RunningStore } from './running-store.ts'
import { canonicalForm } from './seen-event.ts'

/** What finalizing answered. */
export interface Sealed {
  readonly id: string
  readonly manifestDigest: string
  readonly manifestSha256: string
}

const withConfig = z.looseObject({
  config: z.looseObject({ digest: z.string(), size: z.int(), annotations: z.record(z.string(), z.string()) }),
})
const title = 'org.opencontainers.image.title'
const blake3Annotation = 'io.artifact-store.blake3'

/**
 * Fetches the manifest and proves it with nothing of the store's own code: its bytes have both digests and are in RFC 8785 form, it is an
 * OCI image manifest whose layers are exactly these files in the order of their paths' bytes, and its config is a blob that is there.
 * @returns its bytes.
 */
export async function expectManifest(
  store: RunningStore,
  sealed: Sealed,
  files: ReadonlyMap<string, FileFacts>,
): Promise<string> {
  const bytes = await fetchBytes(store, `/v1/packages/${sealed.id}/manifest`)
  const { sha256, blake3 } = await factsOf([bytes])
  expect({ sha256, blake3 }).toEqual({ sha256: sealed.manifestSha256, blake3: sealed.manifestDigest })
  const text = bytes.toString()
  const manifest: unknown = JSON.parse(text)
  expect(text).toBe(canonicalForm(manifest))
  expect(manifest).toMatchObject({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'application/vnd.artifact-store.package.v1+json',
    layers: [...files].map(([path, facts]) => ({
      annotations: { [title]: path, [blake3Annotation]: facts.blake3 },
      digest: facts.sha256,
      size: facts.size,
    })),
  })
  const { config } = withConfig.parse(manifest)
  const configBytes = await fetchBytes(store, `/v1/blobs/${config.digest}`)
  expect(await factsOf([configBytes])).toEqual({
    size: config.size,
    sha256: config.digest,
    blake3: config.annotations[blake3Annotation],
  })
  expect(JSON.parse(configBytes.toString())).toMatchObject({ id: sealed.id })
  return text
}

async function fetchBytes({ url, token }: RunningStore, path: string): Promise<Buffer> {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(200)
  return Buffer.from(await answer.arrayBuffer())
}

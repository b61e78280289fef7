import { ArtifactError } from '@artifact-store/core'
import { openFsUrl, parseFsUrl } from './backends/fs.ts'
import { assertMemoryUrl, openMemoryUrl } from './backends/memory.ts'
import type { BlobStore } from './blob-store.ts'
import { parseS3Address } from './s3/address.ts'

interface Backend {
  /** Throws `configuration` where the URL is not one of its own. */
  readonly check: (url: URL) => unknown
  readonly open: (url: URL) => Promise<BlobStore>
}

/** A backend is a file in `backends/`, named as its scheme, and its line here. */
const backends: Readonly<Record<string, Backend>> = {
  fs: { check: parseFsUrl, open: openFsUrl },
  memory: { check: assertMemoryUrl, open: openMemoryUrl },
  // Loaded only where it is asked for: the client for S3 takes a good part of a service's start and memory.
  s3: { check: parseS3Address, open: async url => (await import('./backends/s3.ts')).openS3Url(url) },
}

/** The schemes that `openBlobStore` knows. */
export const blobStoreSchemes: readonly string[] = Object.keys(backends)

/**
 * Opens the backend that the URL names: `fs:///var/lib/artifact-store`, `s3://bucket`, `memory:`. Put `checkedBlobStore()` in front of it.
 * @throws ArtifactError `configuration` for a URL that is none or has an unknown scheme, and what opening the backend throws.
 */
export async function openBlobStore(url: string): Promise<BlobStore> {
  const { parsed, backend } = findBackend(url)
  return await backend.open(parsed)
}

/**
 * Looks whether `openBlobStore` would know what to open, without opening anything.
 * @throws ArtifactError `configuration`, with the sentence that `openBlobStore` would give.
 */
export function assertBlobStoreUrl(url: string): void {
  const { parsed, backend } = findBackend(url)
  backend.check(parsed)
}

/**
 * Opens a store for what was derived from blobs and can be derived again, such as the records of their blocks, in a place of its own below that of the
 * blobs: in the directory, or behind the prefix, that the URL names. There it is kept under the digest of what it was derived from.
 * @throws as `openBlobStore`.
 */
export function openDerivedStore(url: string, name: 'blocks' | 'checksums'): Promise<BlobStore> {
  const below = URL.parse(url)
  // An address of no place, as that of a store in memory, has nothing below it.
  if (below === null || (below.host === '' && below.pathname === '')) return openBlobStore(url)
  below.pathname = `${below.pathname.replace(/\/+$/, '')}/${name}`
  return openBlobStore(below.href)
}

function findBackend(url: string): { parsed: URL; backend: Backend } {
  const parsed = URL.parse(url)
  if (parsed === null) throw configurationError('the address of the blob store is not a URL')
  const scheme = parsed.protocol.slice(0, -1)
  const backend = Object.hasOwn(backends, scheme) ? backends[scheme] : undefined
  if (backend === undefined) throw configurationError(`there is no blob store of the kind "${scheme}:"`)
  return { parsed, backend }
}

// The URL itself is not shown: that of other backends may carry a secret.
function configurationError(what: string): ArtifactError {
  return new ArtifactError(
    'configuration',
    `${what}; known are ${blobStoreSchemes.map(scheme => `${scheme}:`).join(', ')}, such as fs:///var/lib/artifact-store`,
    {
      details: { known: blobStoreSchemes },
    },
  )
}

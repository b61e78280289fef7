import {
  blake3,
  digestFromBytes,
  type FileEntry,
  type PackageFacts,
  type PackageHead,
  type PackageSeal,
  parseArtifactPath,
  parsePackageId,
  parseSha256,
} from '../src/index.ts'

/** A file whose bytes are the given text. SHA-256 is made up: nothing here looks at the bytes. */
export function fileEntry(path: string, content = path, mediaType = 'text/plain'): FileEntry {
  const digest = digestFromBytes(blake3(content))
  return {
    path: parseArtifactPath(path),
    digest,
    sha256: parseSha256(`sha256:${digest.slice(7)}`),
    size: Buffer.byteLength(content),
    mediaType,
  }
}

export const facts: PackageFacts = {
  id: parsePackageId('0198c0de-0000-7000-8000-000000000001'),
  revision: 3,
  name: 'ci/nightly',
  version: '1.4.0',
  kind: 'evidence',
  producer: 'ci job 42',
  labels: { branch: 'main' },
  inputs: [{ uri: 'https://example.com/repo' }],
  createdAt: new Date('2026-01-02T03:04:05.006Z'),
  createdBy: 'ci',
  fileCount: 1,
  totalSize: 5,
}

export const seal: PackageSeal = {
  manifestDigest: digestFromBytes(blake3('manifest')),
  manifestSha256: parseSha256(`sha256:${'1'.repeat(64)}`),
  manifestSize: 500,
  configDigest: digestFromBytes(blake3('config')),
  configSha256: parseSha256(`sha256:${'2'.repeat(64)}`),
  configSize: 100,
  fileCount: 1,
  totalSize: 5,
}

export const open: PackageHead = { ...facts, state: 'open' }
export const discarded: PackageHead = { ...facts, state: 'discarded' }
export const finalized: PackageHead = { ...facts, state: 'finalized', seal }
export const deleted: PackageHead = { ...facts, state: 'deleted', seal }

import {
  type AnyDigest,
  ArtifactError,
  defaultMediaType,
  parseAnyDigest,
  parseArtifactPath,
  parseMediaType,
  parsePackageId,
} from '@artifact-store/core'
import type { UploadTarget } from '@artifact-store/uploads'

/** What the store understands of `Upload-Metadata`; everything else is kept and given back. */
export interface UploadMetadata {
  readonly target: UploadTarget | undefined
  readonly mediaType: string
  readonly expected: readonly AnyDigest[]
}

/**
 * Reads `Upload-Metadata`: pairs of a key and a base64 value with commas between (tus 1.0, creation). `package` and `path` name the file that the
 * upload becomes, `digest` what it must have (several with spaces between), `filetype` its media type.
 * @throws ArtifactError `invalid-request`; `invalid-path`, `package-not-found` for values that can name nothing.
 */
export function parseUploadMetadata(field: string): UploadMetadata {
  const pairs = decodePairs(field)
  const packageId = pairs.get('package')
  const path = pairs.get('path')
  if ((packageId === undefined) !== (path === undefined)) {
    throw new ArtifactError('invalid-request', 'Upload-Metadata names a package or a path alone: give both, or neither')
  }
  return {
    target:
      packageId === undefined || path === undefined
        ? undefined
        : { packageId: parsePackageId(packageId), path: parseArtifactPath(path) },
    mediaType: parseMediaType(pairs.get('filetype') || defaultMediaType),
    expected: (pairs.get('digest') ?? '')
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(text => parseAnyDigest(text)),
  }
}

export function decodePairs(field: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  for (const pair of field.split(',')) {
    const [key = '', value = '', ...more] = pair.trim().split(/ +/)
    if (key === '' && field.trim() === '') break
    const isPair = /^[\x21-\x7e]+$/.test(key) && /^[A-Za-z0-9+/]*={0,2}$/.test(value) && more.length === 0
    if (!isPair || pairs.has(key)) {
      throw new ArtifactError(
        'invalid-request',
        'Upload-Metadata is not a list of pairs: write a key, a space and the value in base64, with commas between, each key once',
        { details: { pair: pair.slice(0, 200) } },
      )
    }
    pairs.set(key, decodeText(key, value))
  }
  return pairs
}

function decodeText(key: string, value: string): string {
  const text = new TextDecoder('utf-8', { fatal: false }).decode(Buffer.from(value, 'base64'))
  // No text in the database holds U+0000.
  if (!text.includes('\0')) return text
  throw new ArtifactError('invalid-request', `the value of "${key}" in Upload-Metadata holds the character U+0000: leave it out`)
}

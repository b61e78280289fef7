import { type AnyDigest, ArtifactError, digestHex, isBlake3, parseAnyDigest } from '@artifact-store/core'

const headerNames = { sha256: 'sha-256', blake3: 'blake3' } as const

/**
 * Reads `Repr-Digest` or `Content-Digest` (RFC 9530): a structured dictionary of byte sequences, e.g.
 * `sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:`. Algorithms other than sha-256 and blake3 are passed over, as the RFC asks.
 * @throws ArtifactError `invalid-request` for what is not such a dictionary, or a digest that has not 32 bytes.
 */
export function parseReprDigest(field: string, value: string | undefined): AnyDigest[] {
  if (value === undefined || value.trim() === '') return []
  return value.split(',').flatMap(member => {
    const match = /^\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):\s*$/.exec(member)
    if (!match) {
      throw new ArtifactError(
        'invalid-request',
        `${field} is not a dictionary of digests: write it as ${field}: sha-256=:<base64>: (RFC 9530)`,
        {
          details: { field, value: value.slice(0, 200) },
        },
      )
    }
    const [, name, base64 = ''] = match
    const algorithm = name === headerNames.sha256 ? 'sha256' : name === headerNames.blake3 ? 'blake3' : undefined
    return algorithm ? [parseAnyDigest(`${algorithm}:${Buffer.from(base64, 'base64').toString('hex')}`)] : []
  })
}

/** The field value that names these digests. */
export function formatReprDigest(...digests: readonly AnyDigest[]): string {
  return digests.map(d => `${algorithmOf(d)}=:${Buffer.from(digestHex(d), 'hex').toString('base64')}:`).join(', ')
}

/**
 * Those of the digests that a client wants (`Want-Repr-Digest`, RFC 9530, section 4: a structured dictionary of algorithms with preferences from 0,
 * not acceptable, to 10), the most wanted first; all of them where it says nothing that can be understood.
 */
export function wantedDigests(digests: readonly AnyDigest[], field: string | undefined): readonly AnyDigest[] {
  const preferences = parsePreferences(field ?? '')
  if (preferences === undefined) return digests
  const preference = (digest: AnyDigest) => preferences.get(algorithmOf(digest)) ?? 0
  return digests.filter(digest => preference(digest) > 0).toSorted((a, b) => preference(b) - preference(a))
}

function parsePreferences(field: string): ReadonlyMap<string, number> | undefined {
  const preferences = new Map<string, number>()
  for (const member of field.split(',')) {
    const match = /^\s*([a-z*][a-z0-9_.*-]*)=(\d{1,2})\s*$/.exec(member)
    if (!match || Number(match[2]) > 10) return undefined
    preferences.set(match[1] ?? '', Number(match[2]))
  }
  return preferences
}

function algorithmOf(digest: AnyDigest): string {
  return isBlake3(digest) ? headerNames.blake3 : headerNames.sha256
}

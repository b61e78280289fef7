import { ArtifactError } from '@artifact-store/core'

const dotSegment = /(^|[/\\])(\.|%2e){1,2}([/\\]|$)/i

/**
 * Refuses an address that would be read as another one: dot segments, also percent-encoded ones, which URL parsing quietly removes, so
 * that a path which climbs out of its package would arrive as an innocent one; and percent-encoding that is not UTF-8, which
 * would be left as it stands and become part of a name.
 * @param target the request target as it was sent.
 * @throws ArtifactError `invalid-path`
 */
export function refuseUnfaithfulPath(target: string): void {
  const path = target.split(/[?#]/, 1)[0] ?? ''
  if (dotSegment.test(path)) {
    throw new ArtifactError(
      'invalid-path',
      `the path "${path.slice(0, 200)}" has "." or ".." segments: give the path relative to the package, without them`,
    )
  }
  try {
    decodeURIComponent(path)
  } catch {
    throw new ArtifactError('invalid-path', `the path "${path.slice(0, 200)}" is not percent-encoded UTF-8: encode it as such`)
  }
}

import { ArtifactError } from '@artifact-store/core'

const dotSegment = /(^|[/\\])(\.|%2e){1,2}([/\\]|$)/i

/**
 * Refuses an address that would be read as another one: dot segments, also percent-encoded ones, which URL parsing quietly removes, so
 * that a path which climbs out of its package would arrive as an innocent one; and percent-encoding that is not UTF-8, which
 * would be left as it stands and become part of a name. Also U+0000 in a query: no text in the database holds it.
 * @param target the request target as it was sent.
 * @throws ArtifactError `invalid-path`; `invalid-request` for the query.
 */
export function refuseUnfaithfulTarget(target: string): void {
  const [path = '', query = ''] = target.split('?', 2)
  if (/%00/.test(query))
    throw new ArtifactError('invalid-request', 'the query holds the character U+0000, which is in no name here: leave it out')
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

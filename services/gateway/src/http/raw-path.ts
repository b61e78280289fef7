import { ArtifactError } from '@artifact-store/core'

const dotSegment = /(^|[/\\])(\.|%2e){1,2}([/\\]|$)/i

/**
 * Refuses what URL parsing would quietly rewrite: dot segments, also percent-encoded ones. Without this, a path
 * that climbs out of its package would arrive here as another, innocent address.
 * @param target the request target as it was sent.
 * @throws ArtifactError `invalid-path`
 */
export function refuseRewrittenPath(target: string): void {
  const path = target.split(/[?#]/, 1)[0] ?? ''
  if (dotSegment.test(path)) {
    throw new ArtifactError(
      'invalid-path',
      `the path "${path.slice(0, 200)}" has "." or ".." segments: give the path relative to the package, without them`,
    )
  }
}

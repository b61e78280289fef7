import { ArtifactError } from '@artifact-store/core'

/** The conditional fields of a request (RFC 9110, section 13). */
export interface Conditions {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly ifRange: string | undefined
}

/**
 * Judges `If-Match` and `If-None-Match` against a strong ETag.
 * @returns true when the client has these bytes already: answer 304.
 * @throws ArtifactError `precondition-failed` when `If-Match` names other bytes.
 */
export function isNotModified(conditions: Conditions, etag: string): boolean {
  if (conditions.ifMatch !== undefined && !lists(conditions.ifMatch, etag, 'strong')) {
    throw new ArtifactError('precondition-failed', `If-Match names other bytes than ${etag}`, { details: { etag } })
  }
  return conditions.ifNoneMatch !== undefined && lists(conditions.ifNoneMatch, etag, 'weak')
}

/** Whether a `Range` counts: without `If-Range` always, with it only for the same bytes. A date is never the same: nothing here is dated. */
export function rangeCounts(conditions: Conditions, etag: string): boolean {
  return conditions.ifRange === undefined || conditions.ifRange === etag
}

function lists(field: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  return field.split(',').some(item => {
    const tag = item.trim()
    return tag === '*' || tag === etag || (comparison === 'weak' && tag === `W/${etag}`)
  })
}

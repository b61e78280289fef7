import { imprintOf } from '../imprint.ts'
import type { LogEvent } from './evidence.ts'

/** The imprint that everybody who is shown this event must have got. */
export function comparable({ sequence, type, kind, id, revision, actor, time, digest }: LogEvent): string {
  return imprintOf({ sequence, type, subject: `${kind}/${id}`, subjectRevision: revision, actor, time, payloadDigest: digest })
}

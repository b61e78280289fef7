import { canonicalForm } from '../../seen-event.ts'
import type { Rule } from './evidence.ts'

/** Numbers without a gap, for the log and for each subject; times that never run backwards; payloads that are what their digests say. */
export const logIsSound: Rule = function* ({ remains: { log } }) {
  const revisions = new Map<string, number>()
  let [sequence, time] = [0, '']
  for (const event of log) {
    const here = `event ${event.sequence} (${event.type})`
    if (event.sequence !== sequence + 1) yield `${here} follows ${sequence}`
    const subject = `${event.kind}/${event.id}`
    const before = revisions.get(subject) ?? 0
    if (event.revision !== before + 1) yield `${here} has revision ${event.revision} of ${subject} behind revision ${before}`
    if (event.time < time) yield `${here} is of ${event.time}, before the event before it (${time})`
    if (event.computedDigest !== event.digest) yield `${here} has the digest ${event.digest}, its payload ${event.computedDigest}`
    if (canonicalForm(JSON.parse(event.payloadJson)) !== event.payloadJson) yield `${here} has a payload that is not canonical`
    revisions.set(subject, event.revision)
    ;[sequence, time] = [event.sequence, event.time]
  }
}

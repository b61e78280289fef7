import { allAnswersAreHonest } from './answers-are-honest.ts'
import { appendsAreKept } from './appends-are-kept.ts'
import { blobsAreThere } from './blobs-are-there.ts'
import { conditionsHeld } from './conditions-held.ts'
import type { Evidence, Rule, Violation } from './evidence.ts'
import { keysAnswerAlike } from './keys-answer-alike.ts'
import { indexLog } from './log-index.ts'
import { logIsSound } from './log-is-sound.ts'
import { orderOfTime } from './order-of-time.ts'
import { packagesAreKept } from './packages-are-kept.ts'
import { pagesAreTheLog } from './pages-are-the-log.ts'
import { readersSawEnough } from './readers-saw-enough.ts'
import { refusalsHadReasons } from './refusals-had-reasons.ts'
import { streamEqualsLog } from './stream-equals-log.ts'
import { subscribersSawAll } from './subscribers-saw-all.ts'
import { systemCameBack } from './system-came-back.ts'
import { viewsEqualReplay } from './views-equal-replay.ts'

const rules = {
  'the log is sound': logIsSound,
  'acknowledged appends are kept, others wholly or not at all': appendsAreKept,
  'conditions held': conditionsHeld,
  'refusals had reasons': refusalsHadReasons,
  'a key is answered alike': keysAnswerAlike,
  'what was answered before comes before': orderOfTime,
  'packages are as they were acknowledged': packagesAreKept,
  'answers are honest': allAnswersAreHonest,
  'subscribers saw all, once, in order': subscribersSawAll,
  'pages are the log': pagesAreTheLog,
  'the event stream equals the log': streamEqualsLog,
  'views equal a replay': viewsEqualReplay,
  'readers saw at least what they asked for': readersSawEnough,
  'blobs are there': blobsAreThere,
  'the system came back': systemCameBack,
} as const satisfies Record<string, Rule>

export type RuleName = keyof typeof rules

/** Of each rule, only so many: one cause breaks a promise a thousand times. */
const mostOfEach = 5

/** Judges a run by what clients were told and what is there in the end. Takes nothing from the code that it judges. */
export function check(evidence: Evidence): Violation[] {
  const { unsettled, isWhole } = evidence.remains
  // What is there could not be looked at: all else would only follow from that.
  if (!isWhole) return unsettled.map(message => ({ rule: 'the system came back', message }))
  const log = indexLog(evidence.remains.log)
  return Object.entries(rules).flatMap(([rule, find]: [string, Rule]) => {
    const found = [...find(evidence, log)]
    const left = found.length - mostOfEach
    const told = left > 0 ? [...found.slice(0, mostOfEach), `… and ${left} more`] : found
    return told.map(message => ({ rule, message }))
  })
}

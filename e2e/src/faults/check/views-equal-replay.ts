import type { Rule } from './evidence.ts'

/** The live views stand at the log's head and are, byte for byte, what a fresh replay makes. */
export const viewsEqualReplay: Rule = function* ({ remains: { views, replayed } }, log) {
  if (views.position !== log.head) yield `the views are at ${views.position}, the log at ${log.head}`
  if (replayed.position !== log.head) yield `the replay ended at ${replayed.position}, the log at ${log.head}`
  if (views.digest !== replayed.digest) yield `the views have the digest ${views.digest}, a replay ${replayed.digest}`
}

import type { Rule } from './evidence.ts'

/** When all is healed everything works again by itself, and no process of ours has ended over what happened around it. */
export const systemCameBack: Rule = function* ({ remains: { ownEnds, unsettled } }) {
  for (const end of ownEnds) yield end
  for (const what of unsettled) yield what
}

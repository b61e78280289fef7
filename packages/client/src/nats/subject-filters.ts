import type { EventSelection } from '@artifact-store/core'
import { defaultSubjectPrefix, natsSubject, subjectToken } from '@artifact-store/log/cloud-event'

/**
 * The subjects on the broker at which everything is that a selection asks for; none stands for all of them. There may be more at them:
 * a subject does not tell versions apart, nor a subject's kind. No two of them overlap, which JetStream would refuse.
 */
export function subjectFilters({ types, subject }: EventSelection): string[] {
  const id = subject?.id === undefined ? undefined : subjectToken(subject.id)
  if (types === undefined) return id === undefined ? [] : [`${defaultSubjectPrefix}.*.*.${id}`]
  const wanted = [...new Set(types.map(nounAndVerb))]
  const widest = wanted.filter(one => !wanted.some(other => other !== one && covers(other, one)))
  return widest.includes('*.*') && id === undefined ? [] : widest.map(one => `${defaultSubjectPrefix}.${one}.${id ?? '*'}`)
}

/** The two tokens that a type has in a subject; `*` where a family leaves it open. */
function nounAndVerb(type: string): string {
  const family = type.endsWith('.*')
  const [, noun, verb] = natsSubject({ eventType: family ? type.slice(0, -2) : type, subjectId: 'x' }, '').split('.')
  if (!family) return `${noun}.${verb}`
  // `v1.*` names no noun.
  return /^v\d+\.\*$/.test(type) ? '*.*' : `${noun}.*`
}

function covers(wide: string, narrow: string): boolean {
  const other = narrow.split('.')
  return wide.split('.').every((token, i) => token === '*' || token === other[i])
}

import { ArtifactError } from './errors.ts'

/** Which events of the log someone asks for; what is left out does not narrow. Made by `parseEventSelection`. */
export interface EventSelection {
  /** Any of these: a type (`v1.package.finalized`), or all types that begin so (`v1.package.*`). */
  readonly types?: readonly string[] | undefined
  /** All that is about a kind of subject, or about one subject of it. */
  readonly subject?: { readonly kind: string; readonly id?: string | undefined } | undefined
}

/** What a selection looks at. */
export interface SelectableEvent {
  readonly eventType: string
  readonly subjectKind: string
  readonly subjectId: string
}

/** How many types one selection may name. */
export const maxSelectedTypes = 50

/**
 * Reads a selection as people write it: types as they are or ending in `.*`, and a subject as `<kind>` or `<kind>/<id>`.
 * @throws ArtifactError `invalid-request` naming what is wrong: a filter that can match nothing is nearly always a slip.
 */
export function parseEventSelection(asked: {
  readonly types?: readonly string[] | undefined
  readonly subject?: string | undefined
}): EventSelection {
  const types = asked.types?.map(parseType)
  if (types && types.length > maxSelectedTypes)
    throw new ArtifactError('invalid-request', `${types.length} types are too many: ask for at most ${maxSelectedTypes}`)
  return { types, subject: asked.subject === undefined ? undefined : parseSubject(asked.subject) }
}

/** Whether an event is among those that a selection asks for, as a function, since it is asked of very many. */
export function eventSelector({ types, subject }: EventSelection): (event: SelectableEvent) => boolean {
  const exact = new Set(types?.filter(type => !isTypeFamily(type)))
  const families = types?.filter(isTypeFamily).map(family => family.slice(0, -1)) ?? []
  return ({ eventType, subjectKind, subjectId }) => {
    if (subject && subject.kind !== subjectKind) return false
    if (subject?.id !== undefined && subject.id !== subjectId) return false
    return types === undefined || exact.has(eventType) || families.some(family => eventType.startsWith(family))
  }
}

/** True for `v1.package.*`, which stands for every type that begins with `v1.package.`. */
export function isTypeFamily(type: string): boolean {
  return type.endsWith('.*')
}

function parseType(text: string): string {
  if (text.length <= 100 && /^v\d+(\.[a-z][a-z\d-]*)*(\.\*|\.[a-z][a-z\d-]*)$/.test(text)) return text
  throw new ArtifactError(
    'invalid-request',
    `"${text.slice(0, 100)}" is not a type of event: give one like v1.package.finalized, or v1.package.* for all that begin so`,
  )
}

function parseSubject(text: string): EventSelection['subject'] {
  const [, kind, id] = /^([a-z][a-z\d-]{0,49})(?:\/([^\p{Cc}]{1,300}))?$/u.exec(text) ?? []
  if (kind !== undefined) return id === undefined ? { kind } : { kind, id }
  throw new ArtifactError(
    'invalid-request',
    `"${text.slice(0, 100)}" is not a subject: give a kind such as package, or <kind>/<id>`,
  )
}

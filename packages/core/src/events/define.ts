import type { z } from 'zod'

/** One kind of fact in one version: its type name, what it is about, one sentence of meaning, and the schema of its payload. */
export interface EventDefinition<Type extends string = string, Payload extends z.ZodType = z.ZodType> {
  readonly type: Type
  readonly subject: SubjectKind
  readonly meaning: string
  readonly payload: Payload
}

/** A version that has a newer one beside it. It is read as that one, and written no more. */
export interface OlderEventDefinition<
  Type extends string = string,
  Payload extends z.ZodType = z.ZodType,
  Next extends EventDefinition = EventDefinition,
> extends EventDefinition<Type, Payload> {
  readonly next: Next
  /** What a payload of this version says in the next one. Pure: every reader gets the same, for ever. It makes a new value and leaves its
   * argument alone. */
  readonly upcast: (payload: z.output<Payload>) => z.output<Next['payload']>
}

/** What an event can be about; with an id it is a subject, and a subject has revisions. */
export type SubjectKind = 'package' | 'alias' | 'blob' | 'hold' | 'policy' | 'plan' | 'token' | 'retrievals'

type VersionedType = `v${number}.${string}.${string}`

/** Fixes the literal types of a definition. The type reads `v<version>.<noun>.<past participle>`. */
export function defineEvent<const Type extends VersionedType, Payload extends z.ZodType>(
  definition: EventDefinition<Type, Payload>,
): EventDefinition<Type, Payload> {
  return definition
}

/** The same for a version that a newer one has followed. Both are about the same: the subject is part of what was stored. */
export function defineOlderEvent<const Type extends VersionedType, Payload extends z.ZodType, Next extends EventDefinition>(
  definition: Omit<OlderEventDefinition<Type, Payload, Next>, 'subject'>,
): OlderEventDefinition<Type, Payload, Next> {
  return { ...definition, subject: definition.next.subject }
}

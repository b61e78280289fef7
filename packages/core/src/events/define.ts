import type { z } from 'zod'

/** One kind of fact: its type name, what it is about, one sentence of meaning, and the schema of its payload. */
export interface EventDefinition<Type extends string = string, Payload extends z.ZodType = z.ZodType> {
  readonly type: Type
  readonly subject: SubjectKind
  readonly meaning: string
  readonly payload: Payload
}

/** What an event can be about; with an id it is a subject, and a subject has revisions. */
export type SubjectKind = 'package' | 'alias' | 'blob' | 'hold' | 'policy' | 'plan' | 'token' | 'retrievals'

/** Fixes the literal types of a definition. The type reads `v<version>.<noun>.<past participle>`. */
export function defineEvent<const Type extends `v${number}.${string}.${string}`, Payload extends z.ZodType>(
  definition: EventDefinition<Type, Payload>,
): EventDefinition<Type, Payload> {
  return definition
}

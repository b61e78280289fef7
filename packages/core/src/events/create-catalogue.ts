import type { z } from 'zod'
import type { EventDefinition, OlderEventDefinition } from './define.ts'

/** The facts that some code knows, each in every version that was ever released (ADR 0016). */
export interface EventCatalogue<Fact extends EventDefinition> {
  /** The newest version of each fact, by its type: what is written, and what readers handle. */
  readonly newest: { readonly [T in NewestType<Fact>]: Extract<Fact, { type: T }> }
  /** The definition of that very version, newest or not; undefined for a type that this code does not know. */
  definitionOf(type: string): Fact | undefined
  /**
   * The event as a reader sees it: lifted to the newest version of its fact, through every version between; undefined when this code does
   * not know its type, which may be a newer version. The payload is not checked again: `makeEvent` did that before the log took it.
   */
  read<Event extends ReadableEvent>(event: Event): ReadEvent<Fact, Event> | undefined
}

/** What reading needs of an event. */
interface ReadableEvent {
  readonly eventType: string
  readonly payload: unknown
}

/** An event as a reader sees it. Without the stored bytes and their digest, which are those of the version that was stored. */
export type ReadEvent<
  Fact extends EventDefinition,
  Event extends ReadableEvent,
  T extends NewestType<Fact> = NewestType<Fact>,
> = {
  [K in T]: Omit<Event, 'eventType' | 'payload' | 'payloadJson' | 'payloadDigest'> & {
    readonly eventType: K
    readonly payload: PayloadIn<Fact, K>
  }
}[T]

/** The types that no newer version stands beside. */
export type NewestType<Fact extends EventDefinition> = Exclude<Fact['type'], OlderType<Fact>>

/** What an event of that type says. */
export type PayloadIn<Fact extends EventDefinition, T extends Fact['type']> = z.output<Extract<Fact, { type: T }>['payload']>

/**
 * Does not compile while an older version has no upcaster to the next one, or a version is missing between two, or before the first.
 * @throws Error when two definitions have one type, or an upcaster leads to a definition that is not in the catalogue.
 */
export function createCatalogue<const Facts extends readonly EventDefinition[]>(
  facts: Facts & Sound<Facts[number]>,
): EventCatalogue<Facts[number]> {
  type Fact = Facts[number]
  const definitions = new Map<string, Fact>(facts.map(fact => [fact.type, fact]))
  if (definitions.size !== facts.length) throw new Error('two definitions of the catalogue have one type')
  const readings = new Map(facts.map(fact => [fact.type, readingOf(fact)]))
  for (const fact of facts) {
    if (isOlder(fact) && definitions.get(fact.next.type) !== fact.next)
      throw new Error(`${fact.type} is lifted to a ${fact.next.type} that is not the catalogue's`)
  }
  return {
    newest: Object.fromEntries(
      facts.filter(fact => !isOlder(fact)).map(fact => [fact.type, fact]),
    ) as EventCatalogue<Fact>['newest'],
    definitionOf: type => definitions.get(type),
    read<Event extends ReadableEvent>(event: Event) {
      const reading = readings.get(event.eventType)
      if (!reading) return undefined
      if (reading.upcasts.length === 0) return event as unknown as ReadEvent<Fact, Event>
      const payload = reading.upcasts.reduce((lifted, upcast) => upcast(lifted), event.payload)
      return { ...event, eventType: reading.newest, payload } as unknown as ReadEvent<Fact, Event>
    },
  }
}

/** How one version is read: what lifts its payload, step by step, and where that ends. */
interface Reading {
  readonly newest: string
  readonly upcasts: readonly ((payload: unknown) => unknown)[]
}

function readingOf(fact: EventDefinition): Reading {
  if (!isOlder(fact)) return { newest: fact.type, upcasts: [] }
  const { newest, upcasts } = readingOf(fact.next)
  return { newest, upcasts: [fact.upcast as Reading['upcasts'][number], ...upcasts] }
}

function isOlder(fact: EventDefinition): fact is OlderEventDefinition {
  return 'next' in fact
}

// What follows is judged by the compiler alone. A property that nothing has makes its message: the name of it is what is wrong.
type Sound<Fact extends EventDefinition> = {
  readonly [T in Unlifted<Fact> as `${T} needs an upcaster to ${NextType<T>}`]: never
} & {
  readonly [T in Stray<Fact> as `${T} is lifted to a version that is not the next one in the catalogue`]: never
} & { readonly [T in Gap<Fact> as `${T} stands in the catalogue without the version before it`]: never }

type OlderType<Fact extends EventDefinition> = PreviousType<Fact['type']>

/** Those of the types whose next version is among them. */
type PreviousType<All extends string, T extends string = All> = T extends unknown ? (NextType<T> extends All ? T : never) : never

type Unlifted<Fact extends EventDefinition> = Exclude<OlderType<Fact>, Extract<Fact, OlderEventDefinition>['type']>

type Stray<Fact extends EventDefinition, F = Extract<Fact, OlderEventDefinition>> =
  F extends OlderEventDefinition<infer T, z.ZodType, infer Next>
    ? Next['type'] extends NextType<T> & Fact['type']
      ? never
      : T
    : never

type Gap<Fact extends EventDefinition> = Exclude<Fact['type'], `v1.${string}` | NextType<Fact['type']>>

type NextType<T extends string> = T extends `v${infer Version extends number}.${infer Name}`
  ? `v${Successor<Version>}.${Name}`
  : never

type Successor<N extends number> = [...Tuple<N>, unknown]['length'] & number
type Tuple<N extends number, T extends unknown[] = []> = T['length'] extends N ? T : Tuple<N, [...T, unknown]>

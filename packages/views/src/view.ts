import type { EventType, KnownEvent } from '@artifact-store/core'
import type { PgTable } from './drizzle.ts'

/** The values of a table's primary key, in its order. */
export type Key = readonly string[]

/** The rows of one table while a batch is folded. Reads see what the fold has written. */
export interface Rows<Row> {
  /** Only keys that the handler's `reads` named may be asked for. */
  get(...key: Key): Row | undefined
  put(row: Row): void
  delete(...key: Key): void
  /** Deletes every row whose key begins so. */
  deleteAll(...prefix: Key): void
}

/**
 * What a view does with one type of event. Pure in the event and the rows: no clock, no randomness, no other state,
 * so that replay equals live byte for byte.
 */
export interface Handler<T extends EventType, Row> {
  /** The keys of the rows that `apply` asks for; they are loaded for the whole batch at once. */
  readonly reads?: (event: KnownEvent<T>) => readonly Key[]
  readonly apply: (event: KnownEvent<T>, rows: Rows<Row>) => void
}

/** A materialised view: one table, and what each event means to it. Its queries stand beside it in its file. */
export interface View<Table extends PgTable = PgTable, Handled extends EventType = EventType> {
  readonly table: Table
  readonly handlers: { readonly [T in Handled]: Handler<T, Table['$inferSelect']> }
}

export function defineView<Table extends PgTable, Handled extends EventType>(
  table: Table,
  handlers: { readonly [T in Handled]: Handler<T, Table['$inferSelect']> },
): View<Table, Handled> {
  return { table, handlers }
}

/** The key of a subject's own row. */
export function bySubject(event: { readonly subjectId: string }): readonly Key[] {
  return [[event.subjectId]]
}

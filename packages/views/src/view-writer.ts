import { ArtifactError, asKnown, type EventType, type StoredEvent } from '@artifact-store/core'
import type { Pool, PoolClient } from 'pg'
import { viewsChannel, viewsPosition } from './position.ts'
import { registryViews } from './registry.ts'
import { createRowStore } from './row-store.ts'
import { registryProjection } from './schema.ts'
import { liveSchema, tableShape } from './table-shape.ts'
import { inTransaction } from './transaction.ts'
import type { Handler } from './view.ts'

/** Writes the views. Nothing else does, so the live path and a replay cannot differ. */
export interface ViewWriter {
  /** The sequence of the last event that was applied; 0 before the first. */
  position(): Promise<number>
  /** Empties the views and puts the checkpoint back to 0. Readers see what was there until it commits, and do not wait for it. */
  reset(): Promise<void>
  /**
   * Applies events that follow each other and the checkpoint without a gap; rows and checkpoint commit together.
   * Unknown types change nothing but the checkpoint.
   * @returns the new position.
   * @throws ArtifactError `revision-conflict` when the checkpoint is elsewhere: another projector was here, or an event is missing.
   */
  apply(events: readonly StoredEvent[]): Promise<number>
  /** Makes all that `work` does with the writer that it is given one transaction. */
  transaction<T>(work: (writer: ViewWriter) => Promise<T>): Promise<T>
}

/**
 * @param pool as a role that may write the views.
 * @param schema where they stand: the live ones, or those that are made beside them.
 */
export function createViewWriter(pool: Pool, schema = liveSchema): ViewWriter {
  const transaction: ViewWriter['transaction'] = work => inTransaction(pool, client => work(writerWithin(client, schema)))
  return {
    position: () => viewsPosition(pool, schema),
    reset: () => transaction(writer => writer.reset()),
    apply: events => transaction(writer => writer.apply(events)),
    transaction,
  }
}

function writerWithin(client: PoolClient, schema: string): ViewWriter {
  const writer: ViewWriter = {
    position: () => viewsPosition(client, schema),
    async reset() {
      // First the checkpoint: it waits for a batch that is being applied, so that the next statements see that batch's rows.
      await client.query(
        `insert into ${schema}.checkpoints (projection, position) values ($1, 0) on conflict (projection) do update set position = 0`,
        [registryProjection],
      )
      // Not truncate: that locks readers out, and those that read a snapshot would find nothing in it.
      for (const { table } of registryViews) await client.query(`delete from ${tableShape(table, schema).name}`)
    },
    async apply(events) {
      const first = events[0]
      const last = events.at(-1)
      if (!first || !last) return writer.position()
      if (events.some((event, i) => event.sequence !== first.sequence + i))
        throw conflict(`the events ${first.sequence} to ${last.sequence} do not follow each other: one was left out`)
      await moveCheckpoint(client, schema, first.sequence - 1, last.sequence)
      await applyToRows(client, schema, events)
      return last.sequence
    },
    transaction: work => work(writer),
  }
  return writer
}

// Which handler fits which event is known by the event's type at run time only; `defineView` has checked each pair.
type Handlers = { readonly [T in EventType]?: Handler<EventType, Record<string, unknown>> }

async function applyToRows(client: PoolClient, schema: string, events: readonly StoredEvent[]): Promise<void> {
  const known = events.map(asKnown).filter(event => event !== undefined)
  for (const view of registryViews) {
    const handlers = view.handlers as Handlers
    const handled = known.flatMap(event => {
      const handler = handlers[event.eventType]
      return handler ? [{ event, handler }] : []
    })
    if (handled.length === 0) continue
    const store = createRowStore(view.table, schema)
    await store.load(
      client,
      handled.flatMap(({ event, handler }) => handler.reads?.(event) ?? []),
    )
    for (const { event, handler } of handled) handler.apply(event, store)
    await store.flush(client)
  }
}

// Compare and set: a second projector that read the same events finds the checkpoint moved and rolls back.
// Whoever waits for a position hears of it when, and only if, this commits.
async function moveCheckpoint(client: PoolClient, schema: string, from: number, to: number): Promise<void> {
  if (from === 0) {
    await client.query(
      `insert into ${schema}.checkpoints (projection, position) values ($1, 0) on conflict (projection) do nothing`,
      [registryProjection],
    )
  }
  const { rowCount } = await client.query({
    name: `${schema}-move-checkpoint`,
    text: `with moved as (update ${schema}.checkpoints set position = $3 where projection = $1 and position = $2 returning position)
           select ${schema === liveSchema ? `pg_notify('${viewsChannel}', position::text)` : 'position'} from moved`,
    values: [registryProjection, from, to],
  })
  if (rowCount !== 1) throw conflict(`the views are not at ${from}: another projector has moved them, or an event was left out`)
}

function conflict(message: string): ArtifactError {
  return new ArtifactError('revision-conflict', message)
}

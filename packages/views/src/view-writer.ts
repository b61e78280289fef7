import { ArtifactError, asKnown, type EventType, type StoredEvent } from '@artifact-store/core'
import type { Pool, PoolClient } from 'pg'
import { registryViews } from './registry.ts'
import { createRowStore, type RowStore } from './row-store.ts'
import { registryProjection } from './schema.ts'
import type { Handler } from './view.ts'

/** Writes the views. Nothing else does, so the live path and a replay cannot differ. */
export interface ViewWriter {
  /** The sequence of the last event that was applied; 0 before the first. */
  position(): Promise<number>
  /** Empties the views and puts the checkpoint back to 0. */
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

/** @param pool as a role that may write the views. */
export function createViewWriter(pool: Pool): ViewWriter {
  const transaction = async <T>(work: (writer: ViewWriter) => Promise<T>): Promise<T> => {
    const client = await pool.connect()
    let broken: Error | undefined
    try {
      await client.query('begin')
      const result = await work(writerWithin(client))
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure
      })
      throw error
    } finally {
      client.release(broken)
    }
  }
  return {
    position: () => transaction(writer => writer.position()),
    reset: () => transaction(writer => writer.reset()),
    apply: events => transaction(writer => writer.apply(events)),
    transaction,
  }
}

function writerWithin(client: PoolClient): ViewWriter {
  const stores: Projected[] = registryViews.map(view => ({
    handlers: view.handlers as Handlers,
    store: createRowStore(view.table, 'views'),
  }))
  const writer: ViewWriter = {
    async position() {
      const { rows } = await client.query<{ position: string | number }>(
        'select position from views.checkpoints where projection = $1',
        [registryProjection],
      )
      return Number(rows[0]?.position ?? 0)
    },
    async reset() {
      const tables = (
        await client.query<{ name: string }>(`select format('%I.%I', schemaname, tablename) as name from pg_tables
        where schemaname = 'views' and tablename <> 'checkpoints'`)
      ).rows
      await client.query(`truncate ${tables.map(table => table.name).join(', ')}`)
      await client.query('insert into views.checkpoints values ($1, 0) on conflict (projection) do update set position = 0', [
        registryProjection,
      ])
    },
    async apply(events) {
      const first = events[0]
      const last = events.at(-1)
      if (!first || !last) return writer.position()
      if (last.sequence - first.sequence !== events.length - 1)
        throw new ArtifactError('internal', 'the events to apply are not consecutive')
      await moveCheckpoint(client, first.sequence - 1, last.sequence)
      const known = events.map(asKnown).filter(event => event !== undefined)
      for (const { handlers, store } of stores) {
        await store.load(
          client,
          known.flatMap(event => handlers[event.eventType]?.reads?.(event) ?? []),
        )
        for (const event of known) handlers[event.eventType]?.apply(event, store)
        await store.flush(client)
      }
      return last.sequence
    },
    transaction: work => work(writer),
  }
  return writer
}

// Which handler fits which event is known by the event's type at run time only; `defineView` has checked each pair.
type Handlers = { readonly [T in EventType]?: Handler<EventType, Record<string, unknown>> }

interface Projected {
  readonly handlers: Handlers
  readonly store: RowStore
}

// Compare and set: a second projector that read the same events finds the checkpoint moved and rolls back.
// Whoever waits for a position hears of it when, and only if, this commits.
async function moveCheckpoint(client: PoolClient, from: number, to: number): Promise<void> {
  if (from === 0) {
    await client.query('insert into views.checkpoints values ($1, 0) on conflict (projection) do nothing', [registryProjection])
  }
  const { rowCount } = await client.query({
    name: 'views-checkpoint',
    text: `with moved as (update views.checkpoints set position = $3 where projection = $1 and position = $2 returning position)
           select pg_notify('artifact_store_views', position::text) from moved`,
    values: [registryProjection, from, to],
  })
  if (rowCount !== 1) {
    throw new ArtifactError(
      'revision-conflict',
      `the views are not at ${from}: another projector has moved them, or an event was left out`,
    )
  }
}

import type { StoredEvent } from '@artifact-store/core'
import type { Pool } from 'pg'
import { conflict, moveCheckpoint, resetCheckpoint } from './checkpoint.ts'
import { openFold } from './fold.ts'
import { expected, inPipelinedTransaction, type Pipeline, type TransactionOptions } from './pipeline.ts'
import { viewsPosition } from './position.ts'
import { registryViews } from './registry.ts'
import { type StoredRows, storedRows } from './stored-rows.ts'
import { liveSchema } from './table-shape.ts'

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
  const tables = registryViews.map(({ table }) => storedRows(table, schema))
  const write = <T>(options: TransactionOptions, work: (writer: ViewWriter) => Promise<T>) =>
    inPipelinedTransaction(pool, options, async pipeline => {
      const { writer, finish } = writerWithin(pipeline, schema, tables)
      const result = await work(writer)
      finish()
      return result
    })
  return {
    position: () => viewsPosition(pool, schema),
    reset: () => write(long, writer => writer.reset()),
    apply: events =>
      events.length === 0
        ? viewsPosition(pool, schema)
        : write(events.length < manyEvents ? shortBatch : longBatch, writer => writer.apply(events)),
    transaction: work => write(long, work),
  }
}

/** Between the statements of a batch lies what folding it takes. So long, and another projector cannot go on. */
const batchIdleLimitMs = 10_000

/** From so many on, planning a batch's statements is nothing beside writing it. */
const manyEvents = 1000

const shortBatch: TransactionOptions = { idleLimitMs: batchIdleLimitMs, planned: 'once' }
const longBatch: TransactionOptions = { idleLimitMs: batchIdleLimitMs, planned: 'each time' }
const long: TransactionOptions = { idleLimitMs: 0, planned: 'each time' }

interface Writing {
  readonly writer: ViewWriter
  /** Sends what the transaction has yet to write. @throws what a batch has failed with, as half of it may be in memory. */
  readonly finish: () => void
}

function writerWithin(pipeline: Pipeline, schema: string, tables: readonly StoredRows[]): Writing {
  const fold = openFold(pipeline, tables)
  // Once this transaction holds the checkpoint: what stands there, and where the fold is.
  let held: { readonly stands: number; readonly position: number } | undefined
  let failure: { readonly error: unknown } | undefined

  async function take(events: readonly StoredEvent[], first: number, last: number): Promise<void> {
    const moved = held ? undefined : expected(moveCheckpoint(pipeline, schema, first - 1, last))
    held = { stands: held?.stands ?? last, position: last }
    const loaded = expected(fold.load(events))
    await moved
    const apply = await loaded
    apply()
  }

  const writer: ViewWriter = {
    position: async () => held?.position ?? viewsPosition(pipeline, schema),
    async reset() {
      const reset = resetCheckpoint(pipeline, schema)
      held = { stands: 0, position: 0 }
      fold.clear()
      await reset
    },
    async apply(events) {
      const first = events[0]?.sequence
      const last = events.at(-1)?.sequence
      if (first === undefined || last === undefined) return writer.position()
      if (events.some((event, i) => event.sequence !== first + i))
        throw conflict(`the events ${first} to ${last} do not follow each other: one was left out`)
      if (held && held.position !== first - 1) throw conflict(`the views are at ${held.position}: an event was left out`)
      try {
        await take(events, first, last)
      } catch (error) {
        failure ??= { error }
        throw error
      }
      return last
    },
    transaction: work => work(writer),
  }
  return {
    writer,
    finish() {
      if (failure) throw failure.error
      fold.finish()
      if (held && held.position !== held.stands) void expected(moveCheckpoint(pipeline, schema, held.stands, held.position))
    },
  }
}

import { blake3Stream, type Digest } from '@artifact-store/core'
import type { Pool } from 'pg'
import type { PgTable } from './drizzle.ts'
import { readSnapshot } from './read-snapshot.ts'
import { registryViews } from './registry.ts'
import { rowsInOrder } from './rows-in-order.ts'
import { liveSchema, tableShape } from './table-shape.ts'

/** What the views hold at a position of the log, as one digest. */
export interface StateDigest {
  readonly position: number
  readonly digest: Digest
}

/**
 * BLAKE3 over every row of every view, in the order of the views and of their keys, read in one snapshot. Two states at one position
 * with one digest are the same, byte for byte, in whichever schema they stand.
 */
export function stateDigest(pool: Pool, schema = liveSchema): Promise<StateDigest> {
  return readSnapshot(pool, schema, async snapshot => {
    const hash = await stateHash()
    for (const { table } of registryViews) {
      hash.table(table)
      for await (const { row } of rowsInOrder(snapshot, table)) hash.row(row)
    }
    return { position: snapshot.position, digest: hash.digest() }
  })
}

/** The digest of a state whose rows come by. */
export interface StateHash {
  /** The rows that come next are this table's. */
  table(table: PgTable): void
  row(row: string): void
  digest(): Digest
}

export async function stateHash(): Promise<StateHash> {
  const hash = await blake3Stream()
  return {
    table: table => hash.update(`${tableShape(table).name}\n`),
    row: row => hash.update(`${row}\n`),
    digest: () => hash.digest(),
  }
}

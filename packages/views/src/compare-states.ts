import type { Digest } from '@artifact-store/core'
import type { QueryArrayResult } from 'pg'
import { getTableConfig, type PgTable } from './drizzle.ts'
import type { ViewsSnapshot } from './read-snapshot.ts'
import { registryViews } from './registry.ts'
import { type RowText, rowsInOrder } from './rows-in-order.ts'
import { type StateHash, stateHash } from './state-digest.ts'
import { tableShape } from './table-shape.ts'
import type { Key } from './view.ts'

/** How the live views stand to those of a fresh replay. */
export interface Comparison {
  readonly live: Digest
  readonly fresh: Digest
  readonly tables: readonly TableComparison[]
  /** The first rows that differ, in the order of the views and their keys. */
  readonly differences: readonly RowDifference[]
}

export interface TableComparison {
  readonly table: string
  /** How many rows there are. */
  readonly live: number
  readonly fresh: number
  /** Rows that are not live and should be, that are and should not, and that are not as they should be. */
  readonly missing: number
  readonly extra: number
  readonly different: number
}

export interface RowDifference {
  readonly table: string
  readonly kind: 'missing' | 'extra' | 'different'
  /** The values of the key's columns. */
  readonly key: Readonly<Record<string, string>>
  /** The columns that differ, as text; of a missing or extra row none are told. */
  readonly columns: readonly ColumnDifference[]
}

export interface ColumnDifference {
  readonly column: string
  readonly live: string | null
  readonly fresh: string | null
}

export interface CompareOptions {
  /** How many rows that differ are told; the others are counted. */
  readonly mostTold: number
  /** Called every few thousand rows; what it throws ends the comparison. */
  readonly goOn: () => Promise<void>
}

/** Reads both states once, side by side in the order of their keys, with some thousand rows in memory. */
export async function compareStates(live: ViewsSnapshot, fresh: ViewsSnapshot, options: CompareOptions): Promise<Comparison> {
  const hashes = { live: await stateHash(), fresh: await stateHash() }
  const differences: RowDifference[] = []
  const tables: TableComparison[] = []
  for (const { table } of registryViews) {
    hashes.live.table(table)
    hashes.fresh.table(table)
    const { name } = getTableConfig(table)
    const counts = { table: name, live: 0, fresh: 0, missing: 0, extra: 0, different: 0 }
    for await (const { kind, key } of pairUp(rowsOf(live, table, hashes.live), rowsOf(fresh, table, hashes.fresh))) {
      if (kind !== 'extra') counts.fresh += 1
      if (kind !== 'missing') counts.live += 1
      if ((counts.live + counts.fresh) % rowsBetweenChecks === 0) await options.goOn()
      if (kind === 'same') continue
      counts[kind] += 1
      if (differences.length < options.mostTold) differences.push(await tell(table, kind, key, { live, fresh }))
    }
    tables.push(counts)
  }
  return { live: hashes.live.digest(), fresh: hashes.fresh.digest(), tables, differences }
}

const rowsBetweenChecks = 10_000

async function* rowsOf(snapshot: ViewsSnapshot, table: PgTable, hash: StateHash): AsyncGenerator<RowText, void, undefined> {
  for await (const row of rowsInOrder(snapshot, table)) {
    hash.row(row.row)
    yield row
  }
}

interface Pair {
  readonly kind: 'same' | RowDifference['kind']
  readonly key: Key
}

/** Walks through two sequences of rows in the order of their keys, both to their end. */
async function* pairUp(liveRows: AsyncGenerator<RowText>, freshRows: AsyncGenerator<RowText>): AsyncGenerator<Pair> {
  const next = async (rows: AsyncGenerator<RowText>) => {
    const { done, value } = await rows.next()
    return done ? undefined : value
  }
  let live = await next(liveRows)
  let fresh = await next(freshRows)
  while (live || fresh) {
    const order = live && fresh ? compareKeys(live.key, fresh.key) : live ? -1 : 1
    const kind = order < 0 ? 'extra' : order > 0 ? 'missing' : live?.row === fresh?.row ? 'same' : 'different'
    yield { kind, key: (order <= 0 ? live : fresh)?.key ?? [] }
    if (order <= 0) live = await next(liveRows)
    if (order >= 0) fresh = await next(freshRows)
  }
}

function compareKeys(one: Key, other: Key): number {
  for (const [i, part] of one.entries()) {
    const counterpart = other[i] ?? ''
    if (part !== counterpart) return Buffer.compare(Buffer.from(part), Buffer.from(counterpart))
  }
  return 0
}

async function tell(
  table: PgTable,
  kind: RowDifference['kind'],
  key: Key,
  { live, fresh }: { live: ViewsSnapshot; fresh: ViewsSnapshot },
): Promise<RowDifference> {
  const { keyColumns, columns } = tableShape(table)
  const told = {
    table: getTableConfig(table).name,
    kind,
    key: Object.fromEntries(keyColumns.map(([, { name }], i) => [name, key[i] ?? ''])),
  }
  if (kind !== 'different') return { ...told, columns: [] }
  const [liveCells, freshCells] = [await cellsOf(live, table, key), await cellsOf(fresh, table, key)]
  const differing = columns.flatMap(([, { name: column }], i): ColumnDifference[] => {
    const [one, other] = [liveCells[i] ?? null, freshCells[i] ?? null]
    return one === other ? [] : [{ column, ...excerpts(one, other) }]
  })
  return { ...told, columns: differing }
}

async function cellsOf({ client, schema }: ViewsSnapshot, table: PgTable, key: Key): Promise<readonly (string | null)[]> {
  const { name, columns, keyColumns } = tableShape(table, schema)
  const { rows }: QueryArrayResult<(string | null)[]> = await client.query({
    text: `select ${columns.map(([, column]) => `${column.name}::text`).join(', ')} from ${name}
            where ${keyColumns.map(([, column], i) => `${column.name} = $${i + 1}::${column.getSQLType()}`).join(' and ')}`,
    values: [...key],
    rowMode: 'array',
  })
  return rows[0] ?? []
}

/** A cell may be as long as a list of labels is: of long ones it is told what stands around the first difference. */
function excerpts(live: string | null, fresh: string | null): { live: string | null; fresh: string | null } {
  let same = 0
  while (same < Math.min(live?.length ?? 0, fresh?.length ?? 0) && live?.[same] === fresh?.[same]) same++
  const from = same < excerptLength / 2 ? 0 : same - excerptLength / 4
  const excerpt = (text: string | null) => {
    if (text === null || text.length <= excerptLength) return text
    return `${from > 0 ? '…' : ''}${text.slice(from, from + excerptLength)}${from + excerptLength < text.length ? '…' : ''}`
  }
  return { live: excerpt(live), fresh: excerpt(fresh) }
}

const excerptLength = 300

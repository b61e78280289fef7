import type { Queryable } from '@artifact-store/log'
import type { QueryConfig } from 'pg'
import type { Row, StoredRows } from './stored-rows.ts'
import type { Key, Rows } from './view.ts'

/**
 * The rows of one table while events are folded in a transaction: those that events read are loaded, changes are kept in memory, and a row
 * is written when nothing has asked for it for a while, or at the end, however often it changed. What it answers as statements has to be
 * run before it loads again, in that order.
 */
export interface RowStore extends Rows<Row> {
  /** How many rows are in memory. */
  readonly size: number
  /** Has the rows with these keys at hand for the next fold. @returns how many characters were read for it. */
  load(connection: Queryable, keys: readonly Key[]): Promise<number>
  /** What must be deleted before rows are loaded again. */
  takeDeletions(): QueryConfig[]
  /** Ends a turn, and forgets what nothing has asked for in the last so many. @returns how its changes are written. */
  takeIdle(turns: number): QueryConfig[]
  /** @returns how all changes are written. */
  takeAll(): QueryConfig[]
  /** Forgets everything: the table is emptied. */
  clear(): void
}

interface Held {
  readonly key: Key
  /** Undefined: known not to exist. */
  row: Row | undefined
  /** Differs from what the table has. */
  changed: boolean
  /** The table has a row with this key, as far as is known. */
  stored: boolean
  /** In which turn it was last asked for. */
  used: number
}

/** Rows whose keys begin alike, by the rest of their keys: deleting them need not look at all others. Where keys are single values, all rows. */
type Shelf = Map<string, Held>

export function createRowStore(stored: StoredRows): RowStore {
  const shelves = new Map<string, Shelf>()
  const isShelved = stored.keyLength > 1
  const shelfName = (key: Key) => (isShelved ? (key[0] ?? '') : '')
  const place = (key: Key) => (isShelved ? key.slice(1).join(separator) : (key[0] ?? ''))
  let size = 0
  let prefixes: Key[] = []
  let turn = 0

  const find = (key: Key): Held | undefined => shelves.get(shelfName(key))?.get(place(key))

  function hold(key: Key, row: Row | undefined, changed: boolean): void {
    const name = shelfName(key)
    let shelf = shelves.get(name)
    if (!shelf) {
      shelf = new Map()
      shelves.set(name, shelf)
    }
    const where = place(key)
    const known = shelf.get(where)
    if (known) {
      known.row = row
      known.changed = changed
      known.used = turn
    } else {
      shelf.set(where, { key, row, changed, stored: false, used: turn })
      size += 1
    }
  }

  function forget(isIdle: (one: Held) => boolean): void {
    for (const [name, shelf] of shelves) {
      for (const [where, one] of shelf) if (isIdle(one) && shelf.delete(where)) size -= 1
      if (shelf.size === 0) shelves.delete(name)
    }
  }

  function takeChanges(isReady: (one: Held) => boolean): QueryConfig[] {
    const gone: Key[] = []
    const fresh: Row[] = []
    const known: Row[] = []
    for (const shelf of shelves.values()) {
      for (const one of shelf.values()) {
        if (!one.changed) continue
        // A deletion is not put off: a row that is written now may have taken what it frees, such as a value of another unique index.
        if (one.row === undefined) gone.push(one.key)
        else if (isReady(one)) (one.stored ? known : fresh).push(one.row)
        else continue
        one.changed = false
        one.stored = one.row !== undefined
      }
    }
    return [...stored.deletions(gone), ...stored.updates(known), ...stored.upserts(fresh)]
  }

  return {
    get size() {
      return size
    },
    get: (...key) => find(key)?.row,
    put: row => hold(stored.keyOf(row), row, true),
    delete: (...key) => hold(key, undefined, true),
    deleteAll(...prefix) {
      // Of a shelf, what is not said by its name.
      const begin = isShelved && prefix.length === 1 ? '' : `${place(prefix)}${separator}`
      for (const [where, one] of shelves.get(shelfName(prefix)) ?? []) {
        if (!`${where}${separator}`.startsWith(begin)) continue
        one.row = undefined
        one.changed = false
        one.stored = false
      }
      prefixes.push(prefix)
    },

    async load(connection, keys) {
      const missing: Key[] = []
      for (const key of keys) {
        const known = find(key)
        if (known) {
          known.used = turn
        } else {
          missing.push(key)
          hold(key, undefined, false)
        }
      }
      const { rows, characters } = await stored.read(connection, missing)
      for (const row of rows) {
        const one = find(stored.keyOf(row))
        if (!one) continue
        one.row = row
        one.stored = true
      }
      return characters
    },
    takeDeletions() {
      const statements = stored.deletions(prefixes)
      prefixes = []
      return statements
    },
    takeIdle(turns) {
      turn += 1
      const isIdle = (one: Held) => one.used < turn - turns
      const statements = takeChanges(isIdle)
      forget(isIdle)
      return statements
    },
    takeAll: () => takeChanges(() => true),
    clear() {
      shelves.clear()
      size = 0
      prefixes = []
    },
  }
}

// No text in PostgreSQL holds U+0000, so it parts the values of a key without doubt.
const separator = '\u0000'

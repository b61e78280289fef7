import { catalogue } from '@artifact-store/core'
import type { LogReader, Queryable } from '@artifact-store/log'

/** The types of event that the log may hold: those of the catalogue, and those that occur in it without this code knowing them. */
export interface TypesInLog {
  /** All types up to a position, which is at least where the log ended when this was asked. */
  look(): Promise<{ readonly types: ReadonlySet<string>; readonly position: number }>
}

/**
 * Looks at every event once, whoever asks; those who ask at the same time share one look.
 * @param walkFrom from so many new events on, the index of types is walked instead, which is then cheaper.
 */
export function typesInLog(connection: Queryable, log: LogReader, walkFrom = 100_000): TypesInLog {
  let known: { readonly types: ReadonlySet<string>; readonly position: number } = {
    types: new Set(Object.keys(catalogue)),
    position: 0,
  }
  let current: Promise<typeof known> | undefined
  let next: Promise<typeof known> | undefined

  async function update(): Promise<typeof known> {
    // The end first: whatever is committed up to there is seen by the query that follows.
    const position = await log.head()
    if (position <= known.position) return known
    const isFar = position - known.position > walkFrom
    const found = isFar ? await allTypes(connection) : await typesBetween(connection, known.position, position)
    known = { types: new Set([...known.types, ...found]), position }
    return known
  }

  function start(): Promise<typeof known> {
    const running = update().finally(() => {
      current = undefined
    })
    current = running
    return running
  }

  return {
    look() {
      if (!current) return start()
      // One that is on its way may have asked for the end too early; the one after it has not.
      next ??= current
        .catch(() => undefined)
        .then(() => {
          next = undefined
          return start()
        })
      return next
    },
  }
}

async function typesBetween(connection: Queryable, after: number, upTo: number): Promise<string[]> {
  const { rows } = await connection.query<{ type: string }>({
    name: 'event-types-between',
    // What was archived since the last look is told by its segments, which may reach a little further back.
    text: `select distinct event_type as type from log.events where sequence > $1 and sequence <= $2
           union
           select unnest(event_types) from log.segments where last_sequence > $1 and first_sequence <= $2`,
    values: [after, upTo],
  })
  return rows.map(({ type }) => type)
}

/** One probe a type, by the index of types, however long the log is; and what the segments have of what is in the table no more. */
async function allTypes(connection: Queryable): Promise<string[]> {
  const { rows } = await connection.query<{ type: string }>({
    name: 'event-types-all',
    text: `with recursive found(type) as (
             (select event_type from log.events order by event_type, sequence limit 1)
             union all
             select (select next.event_type from log.events next where next.event_type > found.type
                      order by next.event_type, next.sequence limit 1)
               from found where found.type is not null)
           select type from found where type is not null
           union
           select unnest(event_types) from log.segments`,
  })
  return rows.map(({ type }) => type)
}

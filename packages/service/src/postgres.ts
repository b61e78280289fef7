import pg from 'pg'
import type { Logger } from './logger.ts'
import { outsideRequests } from './request-context.ts'
import type { Secret } from './secret.ts'

export type Pool = pg.Pool
export type PoolClient = pg.PoolClient

export interface PoolOptions {
  readonly url: Secret | string
  /** Shown by `pg_stat_activity`. */
  readonly applicationName: string
  /** Connections at most; 10 by default. */
  readonly max?: number | undefined
  /**
   * How long a query may take, in milliseconds, before its connection is given up, so that a server which the network has swallowed holds
   * nobody up for ever. Whether the query took effect is unknown then. Without it there is no limit.
   */
  readonly queryTimeoutMs?: number | undefined
  /** Settings of PostgreSQL that hold in every session. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  readonly logger: Logger
}

/**
 * A pool of connections; nothing is connected before the first query. An error of an idle connection is logged and the
 * connection replaced. `bigint` comes as a number (an error where it would lose digits), `timestamptz` as a `Date`.
 */
export function openPool(options: PoolOptions): Pool & AsyncDisposable {
  const { logger, queryTimeoutMs, settings = {} } = options
  const pool = new pg.Pool({
    ...connectionOptions(options.url, options.applicationName),
    max: options.max ?? 10,
    idleTimeoutMillis: 30_000,
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
    async onConnect(client) {
      if (queryTimeoutMs !== undefined) await noticeLeaving(client)
      const [names, values] = [Object.keys(settings), Object.values(settings)]
      if (names.length > 0)
        await client.query('select set_config(name, value, false) from unnest($1::text[], $2::text[]) as s(name, value)', [
          names,
          values,
        ])
    },
  })
  // A connection outlives the request that opened it, and must not break in its name.
  const warn = (error: Error): void =>
    outsideRequests(() => logger.warn({ err: error }, 'a PostgreSQL connection broke; it is replaced'))
  pool.on('error', warn)
  // A client that is checked out reports to itself, not to the pool; without a listener that would end the process.
  pool.on('connect', client => client.on('error', warn))
  let ended: Promise<void> | undefined
  return Object.assign(pool, {
    async [Symbol.asyncDispose](): Promise<void> {
      ended ??= pool.ending ? Promise.resolve() : pool.end()
      await ended
    },
  })
}

/** Has the server end a query whose client has gone, e.g. one that waits for a lock; else every new attempt would add one more that waits. */
async function noticeLeaving(client: pg.ClientBase): Promise<void> {
  // Not every platform can. There it stays as it was.
  await client.query("set client_connection_check_interval = '5s'").catch(() => undefined)
}

/** What every connection is opened with, pooled or not. */
export function connectionOptions(url: Secret | string, applicationName: string): pg.ClientConfig {
  return {
    connectionString: typeof url === 'string' ? url : url.reveal(),
    application_name: applicationName,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    // Not the two hours that are usual.
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser: typeParsers.getTypeParser.bind(typeParsers) },
  }
}

const typeParsers = new pg.TypeOverrides()
typeParsers.setTypeParser(pg.types.builtins.INT8, parseInt8)

function parseInt8(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw new RangeError(`the bigint ${text} does not fit a JavaScript number`)
  return number
}

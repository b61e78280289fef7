import type { Queryable } from '@artifact-store/log'
import { Gauge, type Registry } from 'prom-client'

/** How long an answer is told again, in milliseconds: the database looks at every file of its own for it. */
const freshMs = 60_000

/** Registers how large the database is: log, views and all else that is in it. */
export function databaseMetrics(registry: Registry, connection: Queryable): void {
  let known = { bytes: Number.NaN, at: Number.NEGATIVE_INFINITY }
  new Gauge({
    name: 'artifact_store_database_size_bytes',
    help: 'Size of the database on its disk, a minute old at most; NaN while it cannot be read.',
    registers: [registry],
    async collect() {
      if (performance.now() - known.at > freshMs) known = { bytes: await sizeOf(connection), at: performance.now() }
      this.set(known.bytes)
      if (Number.isNaN(known.bytes)) known.at = Number.NEGATIVE_INFINITY
    },
  })
}

async function sizeOf(connection: Queryable): Promise<number> {
  const text = 'select pg_database_size(current_database()) as bytes'
  return connection.query<{ bytes: string | number }>({ text }).then(
    ({ rows }) => Number(rows[0]?.bytes),
    () => Number.NaN,
  )
}

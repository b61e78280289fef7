import { integer, processSettings, secret, secretUrl } from '@artifact-store/service'
import { z } from 'zod'

/** What the log-writer reads from its environment. */
export const logWriterConfig = z.object({
  ...processSettings({ port: 8081 }),
  /** The database, as a role that may append to the log. */
  DATABASE_URL: secretUrl('postgres:', 'postgresql:'),
  /** The broker that events are relayed to; without it, none are. */
  NATS_URL: secretUrl().optional(),
  /** How many servers of the broker's cluster hold the stream. */
  NATS_REPLICAS: integer({ min: 1, max: 5 }).default(1),
  /** What those who append must send as their bearer token. */
  LOG_WRITER_TOKEN: secret({ minLength: 16 }),
  /** The most events in one transaction. */
  LOG_WRITER_MAX_BATCH: integer({ min: 1, max: 10_000 }).default(1000),
  /** How many appends may wait before more are pushed back. */
  LOG_WRITER_MAX_WAITING: integer({ min: 1, max: 1_000_000 }).default(10_000),
})

export type LogWriterConfig = z.output<typeof logWriterConfig>

import { integer, processSettings, secret, secretUrl, text } from '@artifact-store/service'
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
  /** For how many days at least the key of an append is remembered, so that a repeat of it is answered and not appended again. */
  LOG_WRITER_KEY_DAYS: integer({ min: 1, max: 3650 }).default(7),
  /** Where the oldest part of the log is moved to; without it, all of it stays in the database. */
  LOG_ARCHIVE_URL: text('the address of a blob store such as fs:///var/lib/artifact-store-log-archive').optional(),
  /** How many days old all events of a partition are at least when it is archived; its appends' keys are forgotten before, in any case. */
  LOG_ARCHIVE_AFTER_DAYS: integer({ min: 0, max: 36_500 }).default(30),
  /** For how many days the table of a partition is kept after its events are read from the archive. */
  LOG_ARCHIVE_GRACE_DAYS: integer({ min: 0, max: 36_500 }).default(7),
  /** How many appends may wait before more are pushed back. */
  LOG_WRITER_MAX_WAITING: integer({ min: 1, max: 1_000_000 }).default(10_000),
  /** How many bytes the requests that have no answer yet may have before more are pushed back. */
  LOG_WRITER_MAX_WAITING_BYTES: integer({ min: 1 }).default(64 * 1024 * 1024),
  /** How long the database may take for one batch before its connection is given up for another. */
  LOG_WRITER_DATABASE_SECONDS: integer({ min: 1, max: 3600 }).default(30),
})

export type LogWriterConfig = z.output<typeof logWriterConfig>

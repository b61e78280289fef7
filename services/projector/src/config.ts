import { integer, processSettings, secretUrl, text } from '@artifact-store/service'
import { z } from 'zod'

/** What the projector reads from its environment. */
export const projectorConfig = z.object({
  ...processSettings({ port: 8082 }),
  /** The database, as a role that may read the log and write the views. */
  DATABASE_URL: secretUrl('postgres:', 'postgresql:'),
  /** Where wake-ups come from; without it, from PostgreSQL. */
  NATS_URL: secretUrl().optional(),
  /** Where the archived part of the log is, as the log-writers have it; without it, views cannot be made anew from a log that has one. */
  LOG_ARCHIVE_URL: text('the address of a blob store such as fs:///var/lib/artifact-store-log-archive').optional(),
  /** The most events in one transaction, which has so many only while the views are far behind. */
  PROJECTOR_BATCH: integer({ min: 1, max: 10_000 }).default(5000),
})

export type ProjectorConfig = z.output<typeof projectorConfig>

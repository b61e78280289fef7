import { assertBlobStoreUrl } from '@artifact-store/blobs'
import { integer, processSettings, readableText, secretUrl } from '@artifact-store/service'
import { z } from 'zod'

/** What the projector reads from its environment. */
export const projectorConfig = z.object({
  ...processSettings({ port: 8082 }),
  DATABASE_URL: secretUrl('postgres:', 'postgresql:').describe('the database, as the role `projector`'),
  NATS_URL: secretUrl().optional().describe('a second source of wake-ups beside PostgreSQL'),
  LOG_ARCHIVE_URL: readableText(
    'the address of a blob store such as fs:///var/lib/artifact-store-log-archive',
    assertBlobStoreUrl,
  )
    .optional()
    .describe('the log-writers’; needed to make views anew from a log that is archived in part'),
  PROJECTOR_BATCH: integer({ min: 1, max: 10_000 })
    .default(5000)
    .describe('most events in one transaction, which has so many only while the views are far behind'),
})

export type ProjectorConfig = z.output<typeof projectorConfig>

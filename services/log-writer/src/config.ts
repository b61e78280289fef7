import { assertBlobStoreUrl } from '@artifact-store/blobs'
import { integer, processSettings, readableText, secret, secretUrl } from '@artifact-store/service'
import { z } from 'zod'

/** What the log-writer reads from its environment. */
export const logWriterConfig = z.object({
  ...processSettings({ port: 8081 }),
  DATABASE_URL: secretUrl('postgres:', 'postgresql:').describe('the database, as the role `log_writer`'),
  NATS_URL: secretUrl()
    .optional()
    .describe('the broker to relay events to (2.10 or later, JetStream on); without it none are relayed'),
  NATS_REPLICAS: integer({ min: 1, max: 5 }).default(1).describe('how many servers of a cluster hold the stream'),
  LOG_WRITER_TOKEN: secret({ minLength: 16 }).describe('what those who append must send as their bearer token'),
  LOG_WRITER_MAX_BATCH: integer({ min: 1, max: 10_000 }).default(1000).describe('most events in one transaction'),
  LOG_WRITER_KEY_DAYS: integer({ min: 1, max: 3650 })
    .default(7)
    .describe(
      'for how many days at least the key of an append is remembered, so that a repeat of it is answered and not appended again',
    ),
  LOG_ARCHIVE_URL: readableText(
    'the address of a blob store such as fs:///var/lib/artifact-store-log-archive',
    assertBlobStoreUrl,
  )
    .optional()
    .describe('where the oldest part of the log moves to; without it, all of it stays in the database'),
  LOG_ARCHIVE_AFTER_DAYS: integer({ min: 0, max: 36_500 })
    .default(30)
    .describe(
      'how many days old the events of a partition are at least when it is archived; the keys of its appends are forgotten before, in any case',
    ),
  LOG_ARCHIVE_GRACE_DAYS: integer({ min: 0, max: 36_500 })
    .default(7)
    .describe('for how many days the table of a partition is kept after it is read from the archive'),
  LOG_WRITER_MAX_WAITING: integer({ min: 1, max: 1_000_000 })
    .default(10_000)
    .describe('how many appends may wait before more are answered 503'),
  LOG_WRITER_MAX_WAITING_BYTES: integer({ min: 1 })
    .default(64 * 1024 * 1024)
    .describe('how many bytes the requests that have no answer yet may have, likewise; memory is about four times that at most'),
  LOG_WRITER_DATABASE_SECONDS: integer({ min: 1, max: 3600 })
    .default(30)
    .describe('how long the database may take for one batch before its connection is given up for another'),
})

export type LogWriterConfig = z.output<typeof logWriterConfig>

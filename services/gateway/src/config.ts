import { assertBlobStoreUrl, kernelChoices } from '@artifact-store/blobs'
import { choice, contradiction, integer, processSettings, readableText, secret, secretUrl, urls } from '@artifact-store/service'
import { z } from 'zod'

/** What the gateway reads from its environment. */
export const gatewayConfig = z
  .object({
    ...processSettings({ port: 8080 }),
    DATABASE_URL: secretUrl('postgres:', 'postgresql:').describe('the database, as the role `gateway`'),
    DATABASE_CONNECTIONS: integer({ min: 1, max: 500 }).default(20).describe('most connections to the database'),
    NATS_URL: secretUrl().optional().describe('a second source of wake-ups beside PostgreSQL'),
    LOG_WRITER_URL: urls('http:', 'https:').describe('the log-writers, the preferred one first'),
    LOG_WRITER_TOKEN: secret({ minLength: 16 }).describe('the log-writers’ token'),
    BLOBS_URL: readableText(
      'the address of a blob store such as fs:///var/lib/artifact-store or s3://bucket?endpoint=https://host',
      assertBlobStoreUrl,
    ).describe('where the bytes are'),
    LOG_ARCHIVE_URL: readableText(
      'the address of a blob store such as fs:///var/lib/artifact-store-log-archive',
      assertBlobStoreUrl,
    )
      .optional()
      .describe('the log-writers’; needed to read old events of a log that is archived in part. Not the same as `BLOBS_URL`'),
    HASH_KERNEL: choice(kernelChoices)
      .default('portable')
      .describe(
        'what hashes: `native` is prebuilt machine code, several times faster for large files and refused where there is none for the platform; `auto` is the native one where there is one',
      ),
    HASH_THREADS: integer({ max: 64 })
      .default(1)
      .describe(
        'threads that hash large uploads beside the event loop, some 25 MB each once they are needed; two make one large upload faster where there are processors for them, and 0 is best where there is only one',
      ),
    BODY_IDLE_SECONDS: integer({ min: 1, max: 86_400 })
      .default(60)
      .describe(
        'how long a client may send nothing in the middle of an upload before it is given up; what arrived of a resumable one is kept',
      ),
    UPLOAD_MAX_BYTES: integer({ min: 1 })
      .default(5 * 2 ** 40)
      .describe('most bytes of one resumable upload; the default is 5 TiB'),
    UPLOAD_EXPIRY_HOURS: integer({ min: 1, max: 8760 })
      .default(24)
      .describe('how long an unfinished upload stays to which nobody writes, with its bytes'),
    BOOTSTRAP_TOKEN: secret({ minLength: 16 })
      .optional()
      .describe('the first admin token; made valid at start if it is not known yet'),
  })
  // The collector of the packages' bytes would find no package that names a segment of the log.
  .check(
    contradiction(
      ['LOG_ARCHIVE_URL', 'BLOBS_URL'],
      ({ LOG_ARCHIVE_URL: archive, BLOBS_URL: blobs }) => archive !== undefined && archive === blobs,
      'is the same as BLOBS_URL (give the archive of the log a place of its own, such as another directory)',
    ),
  )

export type GatewayConfig = z.output<typeof gatewayConfig>

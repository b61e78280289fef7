import { assertBlobStoreUrl, kernelChoices } from '@artifact-store/blobs'
import {
  choice,
  contradiction,
  integer,
  processSettings,
  readableText,
  readableTexts,
  secret,
  secretUrl,
  urls,
} from '@artifact-store/service'
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
    BLOBS_REPLICA_URLS: readableTexts('the address of a blob store as in BLOBS_URL', assertBlobStoreUrl)
      .optional()
      .describe('where all that is written goes too, before it is acknowledged, and is read from where the other fails'),
    BLOBS_OLDER_URLS: readableTexts('the address of a blob store as in BLOBS_URL', assertBlobStoreUrl)
      .optional()
      .describe('where bytes were put before, and are still read from; nothing is written there'),
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
      .describe('most bytes of one file, however it is uploaded; the default is 5 TiB'),
    UPLOAD_MAX_FILES: integer({ min: 1 }).default(1_000_000).describe('most files of one tar stream'),
    UPLOAD_EXPIRY_HOURS: integer({ min: 1, max: 8760 })
      .default(24)
      .describe('how long an unfinished upload stays to which nobody writes, with its bytes'),
    DOWNLOAD_REDIRECT_SECONDS: integer({ max: 604_800 })
      .default(0)
      .describe(
        'clients that ask for it are sent to the S3 store for large files, by an address that is good for so long and needs no token; 300 is enough to begin. They have to prove the bytes themselves. `0`: all bytes go through the gateway',
      ),
    TOKEN_MAX_REQUESTS: integer()
      .default(1000)
      .describe(
        'most requests of one token that this gateway answers at once, transfers and event streams among them; `0`: no limit',
      ),
    TOKEN_REQUESTS_PER_SECOND: integer()
      .default(0)
      .describe('requests a second that one token may make of this gateway in the long run; `0`: no limit'),
    TOKEN_REQUESTS_BURST: integer({ min: 1 })
      .default(1000)
      .describe('how many requests it may make at once after a pause, where they are limited'),
    BOOTSTRAP_TOKEN: secret({ minLength: 16 })
      .optional()
      .describe('the first admin token; made valid at start if it is not known yet'),
  })
  .check(
    // The collector of the packages' bytes would find no package that names a segment of the log.
    twice(
      ['LOG_ARCHIVE_URL', 'BLOBS_URL'],
      'is the same as BLOBS_URL (give the archive of the log a place of its own, such as another directory)',
    ),
    twice(['LOG_ARCHIVE_URL', 'BLOBS_REPLICA_URLS'], 'is one of BLOBS_REPLICA_URLS (give it a place of its own)'),
    twice(['LOG_ARCHIVE_URL', 'BLOBS_OLDER_URLS'], 'is one of BLOBS_OLDER_URLS (give it a place of its own)'),
    twice(['BLOBS_REPLICA_URLS', 'BLOBS_URL'], 'has BLOBS_URL (give another place: a second copy there would be none)'),
    twice(['BLOBS_OLDER_URLS', 'BLOBS_URL'], 'has BLOBS_URL (leave it out there: it is read first as it is)'),
    twice(['BLOBS_OLDER_URLS', 'BLOBS_REPLICA_URLS'], 'has one of BLOBS_REPLICA_URLS (leave it out there)'),
    twice(['BLOBS_REPLICA_URLS', 'BLOBS_REPLICA_URLS'], 'has a place twice (name each once)'),
    twice(['BLOBS_OLDER_URLS', 'BLOBS_OLDER_URLS'], 'has a place twice (name each once)'),
  )

type StoreSetting = 'BLOBS_URL' | 'BLOBS_REPLICA_URLS' | 'BLOBS_OLDER_URLS' | 'LOG_ARCHIVE_URL'
type StoreSettings = { readonly [name in StoreSetting]?: string | readonly string[] | undefined }

/** That two settings have a place in common; of one with itself, that it has a place twice. */
function twice(names: readonly [StoreSetting, StoreSetting], message: string) {
  return contradiction<StoreSettings>(
    names,
    config => {
      const [one, other] = [placesIn(config[names[0]]), placesIn(config[names[1]])]
      return names[0] === names[1] ? new Set(one).size < one.length : one.some(place => other.includes(place))
    },
    message,
  )
}

function placesIn(setting: string | readonly string[] = []): readonly string[] {
  return [setting].flat().map(placeOf)
}

/** An address as it compares: a slash at the end of its path names no other place. */
function placeOf(address: string): string {
  const url = new URL(address)
  url.pathname = url.pathname.replace(/\/+$/, '')
  return url.href
}

export type GatewayConfig = z.output<typeof gatewayConfig>

import { kernelChoices } from '@artifact-store/blobs'
import { choice, integer, processSettings, secret, secretUrl, text, urls } from '@artifact-store/service'
import { z } from 'zod'

/** What the gateway reads from its environment. */
export const gatewayConfig = z.object({
  ...processSettings({ port: 8080 }),
  /** The database, as a role that may read the log and the views. */
  DATABASE_URL: secretUrl('postgres:', 'postgresql:'),
  /** Connections to the database at most. */
  DATABASE_CONNECTIONS: integer({ min: 1, max: 500 }).default(20),
  /** Where wake-ups come from; without it, from PostgreSQL. */
  NATS_URL: secretUrl().optional(),
  /** The log-writers, the preferred one first. */
  LOG_WRITER_URL: urls('http:', 'https:'),
  LOG_WRITER_TOKEN: secret({ minLength: 16 }),
  /** Where the bytes are, e.g. `fs:///var/lib/artifact-store`, `s3://bucket`. */
  BLOBS_URL: text('the address of a blob store such as fs:///var/lib/artifact-store or s3://bucket?endpoint=https://host'),
  /** Where the archived part of the log is, as the log-writers have it; without it, old events that are in no table any more cannot be read. */
  LOG_ARCHIVE_URL: text('the address of a blob store such as fs:///var/lib/artifact-store-log-archive').optional(),
  /** What hashes: `auto` is the native kernel where there is one. */
  HASH_KERNEL: choice(kernelChoices).default('portable'),
  /** Threads that hash large uploads beside the event loop; 0: the event loop does it. */
  HASH_THREADS: integer({ max: 64 }).default(0),
  /** How long a client may send nothing in the middle of a body. */
  BODY_IDLE_SECONDS: integer({ min: 1, max: 86_400 }).default(60),
  /** The most bytes of a resumable upload. */
  UPLOAD_MAX_BYTES: integer({ min: 1 }).default(5 * 2 ** 40),
  /** How long an unfinished upload stays to which nobody writes. */
  UPLOAD_EXPIRY_HOURS: integer({ min: 1, max: 8760 }).default(24),
  /** The first admin token; made valid at start if it is not known yet. */
  BOOTSTRAP_TOKEN: secret({ minLength: 16 }).optional(),
})

export type GatewayConfig = z.output<typeof gatewayConfig>

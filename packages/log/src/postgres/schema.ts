import { sql } from 'drizzle-orm'
import { bigint, boolean, customType, integer, pgSchema, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })

export const logSchema = pgSchema('log')

/** The log's tables for typed queries. `migrations/` makes them; a test holds the two together. */
export const events = logSchema.table('events', {
  sequence: bigint('sequence', { mode: 'number' }).primaryKey(),
  subjectRevision: bigint('subject_revision', { mode: 'number' }).notNull(),
  createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull(),
  eventType: text('event_type').notNull(),
  subjectKind: text('subject_kind').notNull(),
  subjectId: text('subject_id').notNull(),
  actor: text('actor').notNull(),
  payload: bytea('payload').notNull(),
  payloadDigest: bytea('payload_digest').notNull(),
  /** At the first event of an append that had a key: 128 bits of SHA-256 over the key, and how many events the append had. */
  appendKey: uuid('append_key'),
  appendEvents: integer('append_events'),
})

export const partitions = logSchema.table('partitions', {
  firstSequence: bigint('first_sequence', { mode: 'number' }).primaryKey(),
  lastSequence: bigint('last_sequence', { mode: 'number' }).notNull(),
  carriedTo: bigint('carried_to', { mode: 'number' }).notNull(),
  keepsKeys: boolean('keeps_keys').notNull().default(true),
  /** When it was taken out of the table, as all its events are in segments, and when its own table was dropped. */
  detachedAt: timestamp('detached_at', { withTimezone: true, precision: 3 }),
  droppedAt: timestamp('dropped_at', { withTimezone: true, precision: 3 }),
  stays: boolean('stays').notNull().default(false),
})

export const segments = logSchema.table('segments', {
  firstSequence: bigint('first_sequence', { mode: 'number' }).primaryKey(),
  lastSequence: bigint('last_sequence', { mode: 'number' }).notNull(),
  digest: bytea('digest').notNull(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
  plainBytes: bigint('plain_bytes', { mode: 'number' }).notNull(),
  eventTypes: text('event_types').array().notNull(),
  subjectFilter: bytea('subject_filter').notNull(),
  archivedAt: timestamp('archived_at', { withTimezone: true, precision: 3 }).notNull().default(sql`clock_timestamp()`),
})

export const subjects = logSchema.table(
  'subjects',
  {
    subjectId: text('subject_id').notNull(),
    subjectKind: text('subject_kind').notNull(),
    revision: bigint('revision', { mode: 'number' }).notNull(),
    sealed: boolean('sealed').notNull(),
  },
  table => [primaryKey({ columns: [table.subjectId, table.subjectKind] })],
)

import { bigint, customType, pgSchema, text, timestamp } from 'drizzle-orm/pg-core'

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
})

export const appends = logSchema.table('appends', {
  key: text('key').primaryKey(),
  fingerprint: bytea('fingerprint').notNull(),
  firstSequence: bigint('first_sequence', { mode: 'number' }).notNull(),
  lastSequence: bigint('last_sequence', { mode: 'number' }).notNull(),
})

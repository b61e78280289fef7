import type { StoredEvent } from '@artifact-store/core'
import type { Pool } from 'pg'

/**
 * Puts events into the log as they are, with the numbers and times that they have, as only the superuser can: a log that was written elsewhere. They
 * begin where the log ends. Appends have no keys there.
 */
export async function insertEvents(superuser: Pool, events: readonly StoredEvent[]): Promise<void> {
  for (let at = 0; at < events.length; at += 1000) {
    const page = events.slice(at, at + 1000)
    await superuser.query(
      `insert into log.events (sequence, subject_revision, created_at, event_type, subject_kind, subject_id, actor, payload, payload_digest)
       select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::bytea[])`,
      [
        page.map(event => event.sequence),
        page.map(event => event.subjectRevision),
        page.map(event => event.createdAt),
        page.map(event => event.eventType),
        page.map(event => event.subjectKind),
        page.map(event => event.subjectId),
        page.map(event => event.actor),
        page.map(event => Buffer.from(event.payloadJson)),
        page.map(event => Buffer.from(event.payloadDigest)),
      ],
    )
  }
}

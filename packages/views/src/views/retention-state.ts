import type { KnownEvent, PackageId } from '@artifact-store/core'
import { isAnyOf } from '../any-of.ts'
import type { ViewsDatabase } from '../database.ts'
import { eq, jsonb, text, uuid } from '../drizzle.ts'
import { moment, viewsSchema } from '../schema.ts'
import { bySubject, defineView, type Key, type Rows } from '../view.ts'

/** Who holds a package, and why, by the id of the hold. */
export type Holds = Readonly<Record<string, { readonly reason: string; readonly person: string; readonly since: string }>>

export const retentionState = viewsSchema.table('retention_state', {
  packageId: uuid('package_id').primaryKey(),
  retentionClass: text('retention_class').notNull(),
  expiresAt: moment('expires_at'),
  holds: jsonb('holds').$type<Holds>().notNull(),
})

export type RetentionRow = typeof retentionState.$inferSelect

/** How long each package is kept, and who holds it. */
export const retentionStateView = defineView(retentionState, {
  'v1.package.created': {
    apply: (event, rows) =>
      rows.put({ packageId: event.subjectId, retentionClass: event.payload.retentionClass, expiresAt: null, holds: {} }),
  },
  'v1.retention.assigned': {
    reads: bySubject,
    apply: (event, rows) =>
      change(rows, event.subjectId, () => ({
        retentionClass: event.payload.retentionClass,
        expiresAt: dateOf(event.payload.expiresAt),
      })),
  },
  'v1.retention.extended': {
    reads: bySubject,
    apply: (event, rows) => change(rows, event.subjectId, () => ({ expiresAt: dateOf(event.payload.expiresAt) })),
  },
  'v1.retention.shortened': {
    reads: bySubject,
    apply: (event, rows) => change(rows, event.subjectId, () => ({ expiresAt: dateOf(event.payload.expiresAt) })),
  },
  'v1.hold.placed': {
    reads: byHeldPackage,
    apply: (event, rows) => {
      const { packageId, reason, person } = event.payload
      const hold = { reason, person, since: event.createdAt.toISOString() }
      change(rows, packageId, row => ({ holds: { ...row.holds, [event.subjectId]: hold } }))
    },
  },
  'v1.hold.released': {
    reads: byHeldPackage,
    apply: (event, rows) =>
      change(rows, event.payload.packageId, row => ({
        holds: Object.fromEntries(Object.entries(row.holds).filter(([id]) => id !== event.subjectId)),
      })),
  },
  'v1.package.discarded': { apply: (event, rows) => rows.delete(event.subjectId) },
  'v1.package.deleted': { apply: (event, rows) => rows.delete(event.subjectId) },
})

export async function findRetention(db: ViewsDatabase, id: PackageId): Promise<RetentionRow | undefined> {
  const [row] = await db.select().from(retentionState).where(eq(retentionState.packageId, id))
  return row
}

export function findRetentions(db: ViewsDatabase, ids: readonly string[]): Promise<RetentionRow[]> {
  return db.select().from(retentionState).where(isAnyOf(retentionState.packageId, ids))
}

function byHeldPackage(event: KnownEvent<'v1.hold.placed' | 'v1.hold.released'>): readonly Key[] {
  return [[event.payload.packageId]]
}

function change(rows: Rows<RetentionRow>, id: string, fields: (row: RetentionRow) => Partial<RetentionRow>): void {
  const row = rows.get(id)
  if (row) rows.put({ ...row, ...fields(row) })
}

function dateOf(iso: string | undefined): Date | null {
  return iso === undefined ? null : new Date(iso)
}

import type { KnownEvent, PackageId, PackageInput, PackageState } from '@artifact-store/core'
import type { ViewsDatabase } from '../database.ts'
import { and, desc, eq, jsonb, lt, type SQL, sql, text, uuid } from '../drizzle.ts'
import { preparedQuery } from '../prepared.ts'
import { moment, viewsSchema, whole } from '../schema.ts'
import { bySubject, defineView, type Rows } from '../view.ts'

export const artifactPackages = viewsSchema.table('artifact_packages', {
  packageId: uuid('package_id').primaryKey(),
  name: text('name').notNull(),
  version: text('version'),
  kind: text('kind').notNull(),
  producer: text('producer'),
  labels: jsonb('labels').$type<Readonly<Record<string, string>>>().notNull(),
  inputs: jsonb('inputs').$type<readonly PackageInput[]>().notNull(),
  state: text('state').$type<PackageState>().notNull(),
  revision: whole('revision').notNull(),
  createdAt: moment('created_at').notNull(),
  createdBy: text('created_by').notNull(),
  createdSequence: whole('created_sequence').notNull(),
  updatedAt: moment('updated_at').notNull(),
  fileCount: whole('file_count').notNull(),
  totalSize: whole('total_size').notNull(),
  finalizedAt: moment('finalized_at'),
  manifestDigest: text('manifest_digest'),
  manifestSha256: text('manifest_sha256'),
  manifestSize: whole('manifest_size'),
  configDigest: text('config_digest'),
  configSha256: text('config_sha256'),
  configSize: whole('config_size'),
  closingReason: text('closing_reason'),
})

export type PackageRow = typeof artifactPackages.$inferSelect

/** Every package and where it stands. */
export const packagesView = defineView(artifactPackages, {
  'v1.package.created': {
    apply: (event, rows) =>
      rows.put({
        packageId: event.subjectId,
        name: event.payload.name,
        version: event.payload.version ?? null,
        kind: event.payload.kind,
        producer: event.payload.producer ?? null,
        labels: event.payload.labels,
        inputs: event.payload.inputs,
        state: 'open',
        revision: event.subjectRevision,
        createdAt: event.createdAt,
        createdBy: event.actor,
        createdSequence: event.sequence,
        updatedAt: event.createdAt,
        fileCount: 0,
        totalSize: 0,
        finalizedAt: null,
        manifestDigest: null,
        manifestSha256: null,
        manifestSize: null,
        configDigest: null,
        configSha256: null,
        configSize: null,
        closingReason: null,
      }),
  },
  'v1.package.files-added': {
    reads: bySubject,
    apply: (event, rows) => {
      const files = event.payload.files
      change(rows, event, row => ({
        fileCount: row.fileCount + files.length,
        totalSize: row.totalSize + files.reduce((sum, file) => sum + file.size, 0),
      }))
    },
  },
  'v1.package.file-removed': {
    reads: bySubject,
    apply: (event, rows) =>
      change(rows, event, row => ({ fileCount: row.fileCount - 1, totalSize: row.totalSize - event.payload.size })),
  },
  'v1.package.finalized': {
    reads: bySubject,
    apply: (event, rows) => {
      const { manifestDigest, manifestSha256, manifestSize, configDigest, configSha256, configSize } = event.payload
      const manifest = { manifestDigest, manifestSha256, manifestSize, configDigest, configSha256, configSize }
      change(rows, event, () => ({ state: 'finalized', finalizedAt: event.createdAt, ...manifest }))
    },
  },
  'v1.package.discarded': {
    reads: bySubject,
    apply: (event, rows) =>
      change(rows, event, () => ({
        state: 'discarded',
        fileCount: 0,
        totalSize: 0,
        closingReason: event.payload.reason ?? null,
      })),
  },
  'v1.package.deleted': {
    reads: bySubject,
    apply: (event, rows) => change(rows, event, () => ({ state: 'deleted', closingReason: event.payload.reason })),
  },
  'v1.package.labelled': {
    reads: bySubject,
    apply: (event, rows) =>
      change(rows, event, row => {
        const kept = Object.entries(row.labels).filter(([key]) => !event.payload.remove.includes(key))
        return { labels: { ...Object.fromEntries(kept), ...event.payload.set } }
      }),
  },
  'v1.package.linked': movesRevision(),
  'v1.attestation.attached': movesRevision(),
  'v1.retention.assigned': movesRevision(),
  'v1.retention.extended': movesRevision(),
  'v1.retention.shortened': movesRevision(),
})

export interface PackageFilter {
  readonly name?: string | undefined
  readonly kind?: string | undefined
  readonly state?: PackageRow['state'] | undefined
  /** Labels that must all be there, with these values. */
  readonly labels?: Readonly<Record<string, string>> | undefined
}

const packageById = preparedQuery(db =>
  db
    .select()
    .from(artifactPackages)
    .where(eq(artifactPackages.packageId, sql.placeholder('id')))
    .prepare('views-package-by-id'),
)

export async function findPackage(db: ViewsDatabase, id: PackageId): Promise<PackageRow | undefined> {
  const [row] = await packageById(db, { id })
  return row
}

/** Newest first: the `limit` packages made before the one with that `createdSequence`. */
export function listPackages(
  db: ViewsDatabase,
  filter: PackageFilter,
  page: { before?: number | undefined; limit: number },
): Promise<PackageRow[]> {
  const conditions: SQL[] = []
  if (filter.name !== undefined) conditions.push(eq(artifactPackages.name, filter.name))
  if (filter.kind !== undefined) conditions.push(eq(artifactPackages.kind, filter.kind))
  if (filter.state !== undefined) conditions.push(eq(artifactPackages.state, filter.state))
  if (filter.labels !== undefined) conditions.push(sql`${artifactPackages.labels} @> ${JSON.stringify(filter.labels)}::jsonb`)
  if (page.before !== undefined) conditions.push(lt(artifactPackages.createdSequence, page.before))
  return db
    .select()
    .from(artifactPackages)
    .where(and(...conditions))
    .orderBy(desc(artifactPackages.createdSequence))
    .limit(page.limit)
}

/** What tells nothing that stands here still moves the package's revision, on which decisions are conditional. */
function movesRevision() {
  return { reads: bySubject, apply: (event: PackageEvent, rows: Rows<PackageRow>) => change(rows, event, () => ({})) }
}

type PackageEvent = Pick<KnownEvent, 'subjectId' | 'subjectRevision' | 'createdAt'>

function change(rows: Rows<PackageRow>, event: PackageEvent, fields: (row: PackageRow) => Partial<PackageRow>): void {
  const row = rows.get(event.subjectId)
  // An event about a package that was never created says nothing that a view could show.
  if (row) rows.put({ ...row, ...fields(row), revision: event.subjectRevision, updatedAt: event.createdAt })
}

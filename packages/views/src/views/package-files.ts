import type { ArtifactPath, Digest, FileEntry, PackageId, PackageState, Sha256Digest } from '@artifact-store/core'
import { isAnyOf } from '../any-of.ts'
import type { ViewsDatabase } from '../database.ts'
import { and, asc, eq, gt, primaryKey, sql, text, uuid } from '../drizzle.ts'
import { preparedQuery } from '../prepared.ts'
import { viewsSchema, whole } from '../schema.ts'
import { defineView } from '../view.ts'
import { artifactPackages } from './artifact-packages.ts'

export const packageFiles = viewsSchema.table(
  'package_files',
  {
    packageId: uuid('package_id').notNull(),
    path: text('path').$type<ArtifactPath>().notNull(),
    digest: text('digest').$type<Digest>().notNull(),
    sha256: text('sha256').$type<Sha256Digest>().notNull(),
    size: whole('size').notNull(),
    mediaType: text('media_type').notNull(),
    addedSequence: whole('added_sequence').notNull(),
  },
  table => [primaryKey({ columns: [table.packageId, table.path] })],
)

/** The files of every package that has any. */
export const packageFilesView = defineView(packageFiles, {
  'v1.package.files-added': {
    apply: (event, rows) => {
      for (const file of event.payload.files) rows.put({ packageId: event.subjectId, ...file, addedSequence: event.sequence })
    },
  },
  'v1.package.file-removed': { apply: (event, rows) => rows.delete(event.subjectId, event.payload.path) },
  'v1.package.discarded': { apply: (event, rows) => rows.deleteAll(event.subjectId) },
  'v1.package.deleted': { apply: (event, rows) => rows.deleteAll(event.subjectId) },
})

const entry = {
  path: packageFiles.path,
  digest: packageFiles.digest,
  sha256: packageFiles.sha256,
  size: packageFiles.size,
  mediaType: packageFiles.mediaType,
}

/** A path of a package. */
export interface FilePath {
  readonly id: PackageId
  readonly path: ArtifactPath
}

/** What is at a path of a package. */
export interface FoundFile {
  readonly state: PackageState
  readonly file: FileEntry | undefined
}

const filesAt = preparedQuery(db =>
  db
    .select({ number: sql<string>`asked.number`, state: artifactPackages.state, file: entry })
    .from(
      sql`unnest(${sql.placeholder('ids')}::uuid[], ${sql.placeholder('paths')}::text[]) with ordinality as asked(id, path, number)`,
    )
    .innerJoin(artifactPackages, sql`${artifactPackages.packageId} = asked.id`)
    .leftJoin(packageFiles, sql`${packageFiles.packageId} = asked.id and ${packageFiles.path} = asked.path collate "C"`)
    .prepare('views-files-at'),
)

/** What is at each of the paths, in their order; undefined where there is no such package. */
export async function findFilesAt(db: ViewsDatabase, asked: readonly FilePath[]): Promise<(FoundFile | undefined)[]> {
  const found = new Array<FoundFile | undefined>(asked.length).fill(undefined)
  const rows = await filesAt(db, { ids: asked.map(({ id }) => id), paths: asked.map(({ path }) => path) })
  for (const { number, state, file } of rows) found[Number(number) - 1] = { state, file: file ?? undefined }
  return found
}

const filesOfPackage = preparedQuery(db =>
  db
    .select(entry)
    .from(packageFiles)
    .where(and(eq(packageFiles.packageId, sql.placeholder('id')), isAnyOf(packageFiles.path, sql.placeholder('paths'))))
    .prepare('views-files-of-package'),
)

/** Those of the paths that are files of the package. */
export function findFiles(db: ViewsDatabase, id: PackageId, paths: readonly ArtifactPath[]): Promise<FileEntry[]> {
  return filesOfPackage(db, { id, paths })
}

const directoriesOfPackage = preparedQuery(db =>
  db
    .select({ path: sql<ArtifactPath>`asked.path` })
    // "0" is the character behind "/": between the two lies everything in the directory, and nothing else.
    // A lateral with a limit is one probe of the index for each path, whatever the statistics say; as `exists` it could be made a join that
    // reads all files of the package.
    .from(
      sql`unnest(${sql.placeholder('paths')}::text[]) as asked(path)
          cross join lateral (
            select from ${packageFiles} f
             where f.package_id = ${sql.placeholder('id')} and f.path > (asked.path || '/') collate "C" and f.path < (asked.path || '0') collate "C"
             limit 1) as below`,
    )
    .prepare('views-directories-of-package'),
)

/** Those of the paths below which the package has a file, so that they are its directories. */
export async function findDirectories(db: ViewsDatabase, id: PackageId, paths: readonly ArtifactPath[]): Promise<ArtifactPath[]> {
  const found = await directoriesOfPackage(db, { id, paths })
  return found.map(({ path }) => path)
}

/** The next `limit` files in the order of their paths' bytes. */
export function listFiles(
  db: ViewsDatabase,
  id: PackageId,
  page: { after?: string | undefined; limit: number },
): Promise<FileEntry[]> {
  return db
    .select(entry)
    .from(packageFiles)
    .where(
      and(
        eq(packageFiles.packageId, id),
        page.after === undefined ? undefined : gt(packageFiles.path, page.after as ArtifactPath),
      ),
    )
    .orderBy(asc(packageFiles.path))
    .limit(page.limit)
}

/** All files in the order of their paths' bytes, read a page at a time. */
export async function* eachFile(db: ViewsDatabase, id: PackageId, pageSize = 1000): AsyncGenerator<FileEntry> {
  let after: string | undefined
  for (;;) {
    const page = await listFiles(db, id, { after, limit: pageSize })
    yield* page
    after = page.at(-1)?.path
    if (page.length < pageSize) return
  }
}

type FileRow = typeof packageFiles.$inferSelect

/** The files of all packages, a page at a time. */
export async function* eachPackageFile(db: ViewsDatabase, pageSize = 1000): AsyncGenerator<readonly FileRow[]> {
  let last: FileRow | undefined
  for (;;) {
    const page: FileRow[] = await db
      .select()
      .from(packageFiles)
      .where(last && sql`(${packageFiles.packageId}, ${packageFiles.path}) > (${last.packageId}, ${last.path})`)
      .orderBy(asc(packageFiles.packageId), asc(packageFiles.path))
      .limit(pageSize)
    if (page.length > 0) yield page
    last = page.at(-1)
    if (page.length < pageSize) return
  }
}

import type { ArtifactPath, PackageId } from '@artifact-store/core'
import { createFunnel } from '@artifact-store/log'
import { type FilePath, type FoundFile, findFilesAt, type ViewsDatabase } from '@artifact-store/views'

/** Finds what is at a path of a package; undefined where there is no such package. */
export type FileLookup = (id: PackageId, path: ArtifactPath) => Promise<FoundFile | undefined>

/** Reads it from the views after it was asked for; what is asked for at the same time is one query. */
export function createFileLookup(views: ViewsDatabase): FileLookup {
  const lookups = createFunnel<FilePath, { readonly found: FoundFile | undefined }>({
    run: async asked => (await findFilesAt(views, asked)).map(found => ({ found })),
    maxWeight: 1000,
    maxWaiting: 10_000,
  })
  return async (id, path) => (await lookups.submit({ id, path })).found
}

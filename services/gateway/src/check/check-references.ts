import { eachPackageFile, findBlobs, type ViewsDatabase } from '@artifact-store/views'
import type { Finding, Progress } from './finding.ts'

/** Looks whether every file of every package is a blob that the log calls stored, a page of files at a time. */
export async function* checkReferences(views: ViewsDatabase, progress: Progress, signal: AbortSignal): AsyncGenerator<Finding> {
  for await (const files of eachPackageFile(views)) {
    signal.throwIfAborted()
    const rows = await findBlobs(views, [...new Set(files.map(({ digest }) => digest))])
    const stored = new Set(rows.filter(({ state }) => state === 'stored').map(({ digest }) => digest))
    for (const { packageId, path, digest } of files) {
      if (!stored.has(digest))
        yield {
          part: 'references',
          at: `${packageId}/${path}`,
          says: `it names ${digest}, of which the log does not say that it is stored`,
        }
    }
    progress.done += files.length
  }
}

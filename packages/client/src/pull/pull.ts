import { ArtifactError, parseArtifactPath } from '@artifact-store/core'
import type { ArtifactStoreClient } from '../client.ts'
import { concurrently } from '../concurrently.ts'
import type { PackageFile } from '../files.ts'
import type { Package } from '../packages.ts'
import type { TransferOptions } from '../push/push.ts'
import { download } from './download.ts'
import { TargetDirectory } from './target-directory.ts'

/** How far a pull is. Files that were there already count as done. */
export interface PullProgress {
  readonly filesTotal: number
  readonly bytesTotal: number
  readonly filesDone: number
  readonly bytesDone: number
}

export interface PullOptions extends TransferOptions {
  readonly onProgress?: ((progress: PullProgress) => void) | undefined
}

export interface PullResult {
  readonly package: Package
  readonly files: number
  readonly bytes: number
  /** How many of the files were in the directory already, with the right bytes. */
  readonly keptFiles: number
  readonly fetchedBytes: number
}

/** As many places are named; more would be read by nobody. */
const mostNamed = 20

/**
 * Lays a finalized package out in a directory, which is made where there is none. Every file is proven by its BLAKE3 digest before it gets its
 * name; files that are there with the right bytes are kept, so a pull that broke off is continued by doing it again. What else is in the
 * directory is never touched, and nothing is written outside of it. Memory is bounded, whatever the number and size of the files.
 * @throws ArtifactError `package-not-finalized`, `package-not-found`; `digest-mismatch` for bytes that are not the file's; `path-taken` at the
 * end, with all other files in place, when something else is where files of the package belong; the signal's reason when that aborts.
 */
export async function pull(
  client: ArtifactStoreClient,
  id: string,
  directory: string,
  options: PullOptions = {},
): Promise<PullResult> {
  const { concurrency = 8, signal, onProgress } = options
  const found = await client.packages.get(id, { signal })
  refuseUnlessFinalized(found)

  await using target = await TargetDirectory.open(directory)
  const done = { files: 0, bytes: 0, kept: 0, fetched: 0 }
  const taken: string[] = []
  const tell = () =>
    onProgress?.({ filesTotal: found.fileCount, bytesTotal: found.totalSize, filesDone: done.files, bytesDone: done.bytes })

  const fetch = async (file: PackageFile, stop: AbortSignal) => {
    // Never trust a path from elsewhere, not even from a store.
    const path = parseArtifactPath(file.path)
    const there = await target.look(path, file, stop)
    if (there === 'nothing') {
      const temporary = target.temporaryFile()
      const onBytes = (bytes: number) => {
        done.bytes += bytes
        done.fetched += bytes
        tell()
      }
      await download(client, id, file, temporary, { signal: stop, onBytes })
      if (!(await target.place(temporary, path))) taken.push(path)
    } else {
      done.bytes += file.size
      if (there === 'same') done.kept++
      else taken.push(path)
    }
    done.files++
    tell()
  }

  tell()
  await concurrently(client.files.all(id, { limit: 500, signal }), concurrency, fetch, signal)
  if (taken.length > 0) throw takenError(directory, taken)
  if (done.files !== found.fileCount) throw incompleteError(found, done.files)
  return { package: found, files: done.files, bytes: done.bytes, keptFiles: done.kept, fetchedBytes: done.fetched }
}

function refuseUnlessFinalized(found: Package): void {
  if (found.state === 'finalized') return
  const why = found.state === 'open' ? 'it can still change; finalize it first' : 'its files are not kept'
  throw new ArtifactError('package-not-finalized', `package ${found.id} is ${found.state} and cannot be pulled: ${why}`, {
    details: { id: found.id, state: found.state },
  })
}

function takenError(directory: string, taken: readonly string[]): ArtifactError {
  const count = taken.length
  const named = taken.slice(0, mostNamed).map(path => `\n  ${path}`)
  const more = count > mostNamed ? `\n  … and ${count - mostNamed} more` : ''
  const what = count === 1 ? '1 file was not written to' : `${count} files were not written to`
  return new ArtifactError(
    'path-taken',
    `${what} ${directory}, where something else is in its place and was left as it was; move it away, or pull to another directory:${named.join('')}${more}`,
    { details: { taken: taken.slice(0, 1000), count } },
  )
}

function incompleteError(found: Package, files: number): ArtifactError {
  return new ArtifactError(
    'internal',
    `package ${found.id} has ${found.fileCount} files, and ${files} were listed: the store's views are not whole`,
    {
      details: { id: found.id, listed: files },
    },
  )
}

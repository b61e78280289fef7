import { type ArtifactPath, ancestorsOf } from './artifact-path.ts'
import { ArtifactError } from './errors.ts'
import { type FileEntry, type PackageHead, packageSealed } from './package.ts'

/** What a package has where files are to be added. It may hold more than was asked for. */
export interface FoundPaths {
  /** The package's files at `pathsToLookUp(additions)`. */
  readonly files: ReadonlyMap<ArtifactPath, FileEntry>
  /** Those of the added paths below which the package has files. */
  readonly directories: ReadonlySet<ArtifactPath>
}

/** What became of one addition. `unchanged`: the very same bytes are there already. */
export type AddResult =
  | { readonly outcome: 'added' | 'unchanged'; readonly file: FileEntry }
  | { readonly outcome: 'refused'; readonly file: FileEntry; readonly error: ArtifactError }

export interface AddFilesDecision {
  /** What `package.files-added` says, in as many events of at most 1000 files as it takes; empty: nothing to append. */
  readonly add: readonly FileEntry[]
  /** One for each addition, in their order. */
  readonly results: readonly AddResult[]
}

/** The added paths and every directory above them, each once: where a file of the package would matter. */
export function pathsToLookUp(additions: readonly { readonly path: ArtifactPath }[]): ArtifactPath[] {
  return [...new Set(additions.flatMap(({ path }) => [path, ...ancestorsOf(path)]))]
}

/**
 * Judges each addition by itself, so that one bad file does not stop its neighbours; where two additions exclude each other, the
 * first one wins. Refusals are values of the kinds
 * - `package-sealed`: the package is not open;
 * - `path-taken`: other bytes are at that path (the same bytes are `unchanged`, whatever media type they are given now);
 * - `path-conflict`: the path would be both a file and a directory.
 */
export function decideAddFiles(head: PackageHead, additions: readonly FileEntry[], found: FoundPaths): AddFilesDecision {
  const files = new Map<ArtifactPath, FileEntry>()
  const directories = new Set<ArtifactPath>()
  const fileAt = (path: ArtifactPath) => files.get(path) ?? found.files.get(path)

  const results = additions.map((file): AddResult => {
    const refused = (error: ArtifactError): AddResult => ({ outcome: 'refused', file, error })
    if (head.state !== 'open') return refused(packageSealed(head))
    const present = fileAt(file.path)
    if (present)
      return present.digest === file.digest ? { outcome: 'unchanged', file: present } : refused(pathTaken(head, file, present))
    const ancestors = ancestorsOf(file.path)
    const inTheWay = ancestors.find(ancestor => fileAt(ancestor))
    if (inTheWay !== undefined) return refused(pathConflict(head, file, `${JSON.stringify(inTheWay)} is a file there`))
    if (directories.has(file.path) || found.directories.has(file.path))
      return refused(pathConflict(head, file, 'it is a directory there'))
    files.set(file.path, file)
    for (const ancestor of ancestors) directories.add(ancestor)
    return { outcome: 'added', file }
  })
  return { add: [...files.values()], results }
}

function pathTaken(head: PackageHead, file: FileEntry, present: FileEntry): ArtifactError {
  return new ArtifactError(
    'path-taken',
    `package ${head.id} has other bytes at ${JSON.stringify(file.path)}; remove that file first, or choose another path`,
    { details: { packageId: head.id, path: file.path, present: present.digest, given: file.digest } },
  )
}

function pathConflict(head: PackageHead, file: FileEntry, why: string): ArtifactError {
  return new ArtifactError(
    'path-conflict',
    `${JSON.stringify(file.path)} cannot be a file in package ${head.id}: ${why}; choose another path`,
    {
      details: { packageId: head.id, path: file.path },
    },
  )
}

import { type ArtifactPath, ancestorsOf } from './artifact-path.ts'
import type { AnyDigest } from './digest.ts'
import { ArtifactError, isArtifactError } from './errors.ts'
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
 * What adding at a path meets, before anything is known of the bytes: the file that is there, or nothing.
 * @throws ArtifactError `package-sealed`, `path-conflict`: no bytes whatever could be added there.
 */
export function lookUpPath(head: PackageHead, path: ArtifactPath, found: FoundPaths): FileEntry | undefined {
  if (head.state !== 'open') throw packageSealed(head)
  const present = found.files.get(path)
  if (present) return present
  const inTheWay = ancestorsOf(path).find(ancestor => found.files.has(ancestor))
  if (inTheWay !== undefined) throw pathConflict(head, path, `${JSON.stringify(inTheWay)} is a file there`)
  if (found.directories.has(path)) throw pathConflict(head, path, 'it is a directory there')
  return undefined
}

/** Why a path that has other bytes takes no new ones.
 * @param given the digest of the new bytes, where it is known. */
export function pathTaken(head: PackageHead, present: FileEntry, given: AnyDigest | undefined): ArtifactError {
  return new ArtifactError(
    'path-taken',
    `package ${head.id} has other bytes at ${JSON.stringify(present.path)}; remove that file first, or choose another path`,
    { details: { packageId: head.id, path: present.path, present: present.digest, ...(given === undefined ? {} : { given }) } },
  )
}

/**
 * Judges each addition by itself, so that one bad file does not stop its neighbours; where two additions exclude each other, the
 * first one wins. Refusals are values of the kinds
 * - `package-sealed`: the package is not open;
 * - `path-taken`: other bytes are at that path (the same bytes are `unchanged`, whatever media type they are given now);
 * - `path-conflict`: the path would be both a file and a directory.
 */
export function decideAddFiles(head: PackageHead, additions: readonly FileEntry[], found: FoundPaths): AddFilesDecision {
  // What the additions before this one have made of the package.
  const files = new Map(found.files)
  const directories = new Set(found.directories)
  const add: FileEntry[] = []

  const results = additions.map((file): AddResult => {
    try {
      const present = lookUpPath(head, file.path, { files, directories })
      if (present?.digest === file.digest) return { outcome: 'unchanged', file: present }
      if (present) throw pathTaken(head, present, file.digest)
    } catch (error) {
      if (!isArtifactError(error)) throw error
      return { outcome: 'refused', file, error }
    }
    files.set(file.path, file)
    for (const ancestor of ancestorsOf(file.path)) directories.add(ancestor)
    add.push(file)
    return { outcome: 'added', file }
  })
  return { add, results }
}

function pathConflict(head: PackageHead, path: ArtifactPath, why: string): ArtifactError {
  return new ArtifactError(
    'path-conflict',
    `${JSON.stringify(path)} cannot be a file in package ${head.id}: ${why}; choose another path`,
    {
      details: { packageId: head.id, path },
    },
  )
}

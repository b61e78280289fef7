import type { BigIntStats, Dirent } from 'node:fs'
import { lstat, opendir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { ArtifactError, type ArtifactPath, isArtifactError, isErrno, parseArtifactPath } from '@artifact-store/core'

/** A file to be pushed: what the package will call it, and where it lies. */
export interface SourceFile {
  readonly path: ArtifactPath
  readonly location: string
}

/** What cannot be stored, and why, as a sentence. */
export interface Refused {
  readonly refused: string
}

/** A directory without anything in it, which a package cannot hold. */
export interface EmptyDirectory {
  readonly emptyDirectory: string
}

/**
 * Walks a directory, one name in memory at a time (plus one per directory that it is in), in the order of the file system. Symbolic links to
 * files within the directory count as those files; links to anything else, special files, names that are not UTF-8 and names that are equal
 * after normalising (NFC) come as refusals.
 * @throws ArtifactError `invalid-request` when it is not a directory; the system's error when something cannot be read.
 */
export async function* walkSourceTree(
  directory: string,
  signal?: AbortSignal,
): AsyncGenerator<SourceFile | Refused | EmptyDirectory, void, undefined> {
  const root = await openRoot(directory)
  yield* walk({ root, seen: new Set(), signal }, root, '')
}

interface Walk {
  readonly root: string
  /** The normalised paths of files whose own path was not normalised: few, if any. */
  readonly seen: Set<string>
  readonly signal: AbortSignal | undefined
}

async function openRoot(directory: string): Promise<string> {
  try {
    const root = await realpath(directory)
    if ((await stat(root)).isDirectory()) return root
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
    throw new ArtifactError('invalid-request', `there is no directory ${directory}`, { cause: error })
  }
  throw new ArtifactError('invalid-request', `${directory} is not a directory: give the directory whose files shall be pushed`)
}

async function* walk(
  tree: Walk,
  location: string,
  prefix: string,
): AsyncGenerator<SourceFile | Refused | EmptyDirectory, void, undefined> {
  let empty = prefix !== ''
  // As bytes: decoded, a name that is not UTF-8 would silently become another one. The type does not know that option.
  const entries = (await opendir(location, { encoding: 'buffer' as BufferEncoding })) as AsyncIterable<Dirent<string | Buffer>>
  for await (const entry of entries) {
    tree.signal?.throwIfAborted()
    empty = false
    const name = decodeName(entry.name)
    if (name === undefined) {
      yield refused(`${prefix}${escapeBytes(entry.name)}`, 'its name is not valid UTF-8: rename it')
      continue
    }
    const shown = `${prefix}${name}`
    const at = join(location, name)
    const kind = entry.isSymbolicLink() ? await followLink(tree, at) : kindOf(entry)
    if (kind === 'directory') yield* walk(tree, at, `${shown}/`)
    else if (kind === 'file') yield await toSourceFile(tree, shown, at)
    else yield refused(shown, kind.why)
  }
  if (empty) yield { emptyDirectory: prefix.slice(0, -1) }
}

async function toSourceFile(tree: Walk, shown: string, location: string): Promise<SourceFile | Refused> {
  let path: ArtifactPath
  try {
    path = parseArtifactPath(shown)
  } catch (error) {
    if (isArtifactError(error)) return { refused: error.message }
    throw error
  }
  if (path !== shown && (tree.seen.has(path) || (await isAnother(join(tree.root, path), location)))) {
    return refused(shown, 'there is another file whose name is the same once Unicode is normalised (NFC): rename one of them')
  }
  if (path !== shown) tree.seen.add(path)
  return { path, location }
}

/** Where the file system itself normalises, the other name leads to the same file. */
async function isAnother(location: string, than: string): Promise<boolean> {
  try {
    const [one, other] = await Promise.all([lstat(location, { bigint: true }), lstat(than, { bigint: true })])
    return one.ino !== other.ino || one.dev !== other.dev
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

type Kind = 'file' | 'directory' | { readonly why: string }

async function followLink(tree: Walk, location: string): Promise<Kind> {
  try {
    const target = await realpath(location)
    if (target !== tree.root && !target.startsWith(tree.root + (tree.root.endsWith(sep) ? '' : sep))) {
      return { why: `it is a symbolic link out of the directory, to ${target}: put a copy in its place` }
    }
    const kind = kindOf(await stat(target, { bigint: true }))
    return kind === 'directory' ? { why: 'it is a symbolic link to a directory: put a copy in its place, or remove it' } : kind
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return { why: 'it is a symbolic link to nothing: remove it' }
    if (isErrno(error, 'ELOOP')) return { why: 'it is a symbolic link that leads back to itself: remove it' }
    throw error
  }
}

function kindOf(entry: Dirent<string | Buffer> | BigIntStats): Kind {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  if (entry.isFIFO()) return { why: 'it is a named pipe (FIFO), which has no bytes of its own: remove it' }
  if (entry.isSocket()) return { why: 'it is a socket, which has no bytes of its own: remove it' }
  return { why: 'it is a device, not a file: remove it' }
}

function decodeName(name: string | Uint8Array): string | undefined {
  if (typeof name === 'string') return name
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name)
  } catch {
    return undefined
  }
}

/** The bytes of a name, with `\\xff` for what is not ASCII. */
function escapeBytes(name: string | Uint8Array): string {
  return Buffer.from(name)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function refused(path: string, why: string): Refused {
  return { refused: `"${path}" cannot be stored: ${why}` }
}

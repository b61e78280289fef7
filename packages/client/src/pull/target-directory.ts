import { randomBytes } from 'node:crypto'
import { lstat, mkdir, open, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createContentHasher } from '@artifact-store/blobs'
import { type ArtifactPath, ancestorsOf, type Digest, isErrno } from '@artifact-store/core'
import { placeFile } from './place-file.ts'

/** What is at a place where a file shall be: nothing, the very file, or something else that is not to be touched. */
export type Found = 'nothing' | 'same' | 'other'

const chunkBytes = 1024 * 1024
/** Directories that are known to be ours to write in; a bound for the memory, not for the number. */
const mostRemembered = 10_000

/**
 * A directory that a package is laid out in. Nothing is ever written outside of it, not even through a symbolic link that lies in it, and
 * nothing that was there before is changed. Disposing it removes what is half-done.
 */
export class TargetDirectory implements AsyncDisposable {
  readonly #root: string
  readonly #temporary: string
  readonly #checked = new Set<string>()

  private constructor(root: string, temporary: string) {
    this.#root = root
    this.#temporary = temporary
  }

  /** Makes the directory where there is none. */
  static async open(directory: string): Promise<TargetDirectory> {
    await mkdir(directory, { recursive: true })
    const root = await realpath(directory)
    // Within the target, so that finished files are moved and not copied.
    const temporary = join(root, `.artifact-pull-${randomBytes(6).toString('hex')}`)
    await mkdir(temporary)
    return new TargetDirectory(root, temporary)
  }

  /** A new place for a file that is on its way. */
  temporaryFile(): string {
    return join(this.#temporary, randomBytes(8).toString('hex'))
  }

  /** Looks at the place of a file and makes the directories that lead there. A link, whatever it leads to, is `other`. */
  async look(path: ArtifactPath, expected: { digest: Digest; size: number }, signal?: AbortSignal): Promise<Found> {
    for (const directory of ancestorsOf(path)) {
      if (!(await this.#isDirectory(directory))) return 'other'
    }
    const place = join(this.#root, path)
    try {
      const found = await lstat(place)
      if (!found.isFile() || found.size !== expected.size) return 'other'
      return (await digestOf(place, signal)) === expected.digest ? 'same' : 'other'
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return 'nothing'
      throw error
    }
  }

  /** Moves a finished file to its place. @returns false, with nothing done, when something has come to be there meanwhile. */
  place(temporaryFile: string, path: ArtifactPath): Promise<boolean> {
    return placeFile(temporaryFile, join(this.#root, path))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true })
  }

  async #isDirectory(path: ArtifactPath): Promise<boolean> {
    if (this.#checked.has(path)) return true
    const place = join(this.#root, path)
    try {
      await mkdir(place)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
      if (!(await lstat(place)).isDirectory()) return false
    }
    if (this.#checked.size >= mostRemembered) this.#checked.clear()
    this.#checked.add(path)
    return true
  }
}

async function digestOf(place: string, signal: AbortSignal | undefined): Promise<Digest> {
  await using handle = await open(place)
  const hasher = await createContentHasher()
  const buffer = Buffer.allocUnsafeSlow(chunkBytes)
  for (;;) {
    signal?.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, buffer.length)
    if (bytesRead === 0) return hasher.digests().digest
    hasher.update(buffer.subarray(0, bytesRead))
  }
}

import {
  type ArtifactPath,
  ancestorsOf,
  type Digest,
  type FileEntry,
  type FoundPaths,
  type PackageHead,
  pathsToLookUp,
} from '@artifact-store/core'
import type { KnownBlob } from './store-blob.ts'

/** What adding files to a package is decided on. */
export interface Standing {
  readonly head: PackageHead
  readonly found: FoundPaths
  /** Those of the files' blobs that the log knows. */
  readonly blobs: readonly KnownBlob[]
}

/** What one append has brought. */
interface Written {
  /** The package's, behind it. */
  readonly revision: number
  /** The log's, behind it. */
  readonly position: number
  readonly files: readonly FileEntry[]
  readonly blobs: readonly KnownBlob[]
}

/**
 * What a package's last appends have brought and the views may not show yet, so that the next one can be decided without waiting for them. It
 * is right as long as nobody else has written meanwhile, which is what the conditions of the next append say; where they do not hold, the views
 * are waited for, and they have all of it then.
 */
export class JustWritten {
  /** Up to where it tells; undefined: the views show it all. */
  position: number | undefined
  #revision = 0
  readonly #files = new Map<ArtifactPath, FileEntry>()
  readonly #directories = new Set<ArtifactPath>()
  readonly #blobs = new Map<Digest, KnownBlob>()

  get files(): number {
    return this.#files.size
  }

  add({ revision, position, files, blobs }: Written): void {
    this.position = position
    this.#revision = revision
    for (const file of files) {
      this.#files.set(file.path, file)
      for (const ancestor of ancestorsOf(file.path)) this.#directories.add(ancestor)
    }
    for (const blob of blobs) this.#blobs.set(blob.digest, blob)
  }

  /** What the views show of these files and their blobs, with what was written since. Forgets that when they show it all. */
  over(shown: Standing, additions: readonly FileEntry[]): Standing {
    if (shown.head.revision >= this.#revision) {
      this.#forget()
      return shown
    }
    const files = new Map(shown.found.files)
    for (const path of pathsToLookUp(additions)) {
      const file = this.#files.get(path)
      if (file) files.set(path, file)
    }
    const directories = new Set(shown.found.directories)
    const blobs = new Map(shown.blobs.map(blob => [blob.digest, blob]))
    for (const { path, digest } of additions) {
      if (this.#directories.has(path)) directories.add(path)
      const blob = this.#blobs.get(digest)
      if (blob && (blobs.get(digest)?.revision ?? 0) < blob.revision) blobs.set(digest, blob)
    }
    return { head: { ...shown.head, revision: this.#revision }, found: { files, directories }, blobs: [...blobs.values()] }
  }

  #forget(): void {
    this.position = undefined
    this.#revision = 0
    this.#files.clear()
    this.#directories.clear()
    this.#blobs.clear()
  }
}

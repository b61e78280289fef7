import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isErrno } from '@artifact-store/core'
import { onDisk } from './on-disk.ts'

/** Flushes a directory, so that the names in it survive a power failure (POSIX: a file's fsync does not cover its name). */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await onDisk('open the directory', path, open(path, 'r'))
  try {
    await onDisk('flush the directory', path, handle.sync())
  } finally {
    await handle.close()
  }
}

/** Makes the directory and those above it that are missing, and flushes the names of all that it made. */
export async function makeDurableDirectory(path: string): Promise<void> {
  const first = await onDisk('make the directory', path, mkdir(path, { recursive: true }))
  if (first === undefined) return
  const top = dirname(first)
  for (let above = path; above !== top; ) {
    above = dirname(above)
    await syncDirectory(above)
  }
}

/**
 * The directories below a root that this process knows to be there durably. It flushes each name once, also where another
 * process made it: that one may not have come to flushing yet.
 */
export class DurableDirectories {
  readonly #root: string
  readonly #known = new Map<string, Promise<void>>()

  constructor(root: string) {
    this.#root = root
  }

  /** Resolves when `path`, below the root, is there durably. Puts that need the same directory at the same time share the work. */
  ensure(path: string): Promise<void> {
    if (path === this.#root) return Promise.resolve()
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const made = this.#make(path)
    this.#known.set(path, made)
    made.catch(() => this.#known.delete(path))
    return made
  }

  /** To be called when it turns out that someone removed the directory: the next `ensure` makes it again. */
  forget(path: string): void {
    for (let gone = path; gone !== this.#root; gone = dirname(gone)) this.#known.delete(gone)
  }

  /** The same for a directory that is used once: it need not be remembered. */
  async ensureOnce(path: string): Promise<void> {
    try {
      await this.ensure(path)
    } finally {
      this.#known.delete(path)
    }
  }

  async #make(path: string): Promise<void> {
    const above = dirname(path)
    await this.ensure(above)
    await onDisk('make the directory', path, unlessThere(mkdir(path)))
    await syncDirectory(above)
  }
}

async function unlessThere(making: Promise<unknown>): Promise<void> {
  try {
    await making
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
}

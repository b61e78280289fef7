import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { ArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import { parseJson } from '../small-file.ts'
import type { CopiedFile } from './copy-file.ts'

const entrySchema = z.object({
  /** Below `database/`, with slashes. */
  path: z.string().regex(/^(?!\/)(?!.*(^|\/)\.\.?(\/|$)).+$/),
  size: z.int().nonnegative(),
  sha256: z.string(),
})
export type ListedFile = z.infer<typeof entrySchema>

/** Writes the list of a backup's files, a line each, as they are copied. */
export class FileList implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  #files = 0
  #bytes = 0
  #written = Promise.resolve()

  static async create(path: string): Promise<FileList> {
    return new FileList(await open(path, 'wx', 0o600))
  }

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** May be called for several at once; their lines follow each other. */
  async add(path: string, { size, sha256 }: CopiedFile): Promise<void> {
    const line = `${JSON.stringify({ path, size, sha256 })}\n`
    this.#hash.update(line)
    this.#files += 1
    this.#bytes += size
    this.#written = this.#written.then(() => this.#file.appendFile(line))
    await this.#written
  }

  /** Makes it durable. @returns what the manifest says of it. */
  async finish(): Promise<{ files: number; bytes: number; sha256: string }> {
    await this.#file.sync()
    return { files: this.#files, bytes: this.#bytes, sha256: this.#hash.digest('hex') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

/** The files of a backup. @param sha256 of the whole list. @throws ArtifactError `configuration` when it is another. */
export async function* readFileList(path: string, sha256: string): AsyncGenerator<ListedFile> {
  const hash = createHash('sha256')
  const damaged = () =>
    new ArtifactError('configuration', `${path} is not the list that belongs to this backup: choose another backup`)
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    hash.update(`${line}\n`)
    const entry = entrySchema.safeParse(parseJson(line))
    if (!entry.success) throw damaged()
    yield entry.data
  }
  if (hash.digest('hex') !== sha256) throw damaged()
}

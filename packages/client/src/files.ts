import { type ArtifactError, type Digest, isArtifactError, parseArtifactPath, type Sha256Digest } from '@artifact-store/core'
import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import { errorFromProblem } from './http/problem.ts'
import type { RequestBody } from './http/transport.ts'
import { packagePath } from './packages.ts'
import { type FetchOptions, fetchBytes, type ReceivedBytes, type ReceivedHead, receivedHead } from './received-bytes.ts'
import { reprDigestHeader } from './repr-digest.ts'
import { type TarSource, tarLength, tarStream } from './tar-stream.ts'
import { type CallOptions, digest, type PageOptions, sha256 } from './wire.ts'

const fileSchema = z.looseObject({ path: z.string(), digest, sha256, size: z.int(), mediaType: z.string() })
/** A file of a package; `size` in bytes. */
export type PackageFile = z.infer<typeof fileSchema>

/** Bytes to store: whole, or a function that opens them anew for every attempt. */
export interface Content {
  readonly body: RequestBody
  /** In bytes; to be given with a function, so that a broken-off body is noticed. */
  readonly size?: number | undefined
  readonly mediaType?: string | undefined
  /** What the bytes must be; anything else is refused and not kept. */
  readonly digest?: Digest | undefined
  readonly sha256?: Sha256Digest | undefined
}

/** A file to be added by the digest of bytes that the store has already. */
export interface KnownFile {
  readonly path: string
  readonly digest: string
  readonly mediaType?: string | undefined
}

/** What became of one of several files. */
export type AddOutcome =
  | { readonly path: string; readonly file: PackageFile }
  | { readonly path: string; readonly error: ArtifactError }

const addResult = z.looseObject({
  path: z.string(),
  status: z.int(),
  file: fileSchema.optional(),
  problem: z.unknown().optional(),
})
const addResults = z.looseObject({ results: z.array(addResult) })
const filePage = z.looseObject({ files: z.array(fileSchema), next: z.string().optional() })

export class Files {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /**
   * Stores a file in an open package. The same bytes again are the same file.
   * @throws ArtifactError `path-taken` when other bytes are there, `digest-mismatch`, `package-sealed`.
   */
  async put(id: string, path: string, content: Content, options: CallOptions = {}): Promise<PackageFile> {
    const headers = {
      'content-type': content.mediaType ?? 'application/octet-stream',
      ...reprDigestHeader([content.sha256, content.digest]),
    }
    const { body, size = sizeOf(body) } = content
    return this.#caller.json({ method: 'PUT', path: filePath(id, path), headers, body, size, signal: options.signal }, fileSchema)
  }

  /** Adds up to 1,000 files without sending a byte. Each has its own outcome, in the order given. */
  async addKnown(id: string, files: readonly KnownFile[], options: CallOptions = {}): Promise<AddOutcome[]> {
    const path = `${packagePath(id)}/files`
    const { results } = await this.#caller.json({ method: 'POST', path, json: { files }, signal: options.signal }, addResults)
    return results.map(toOutcome)
  }

  /**
   * Stores many files in one request, which costs far less than a request for each where they are small. Each has its own outcome, in the order
   * given. A request that breaks off is sent again.
   */
  async putMany(id: string, files: readonly TarSource[], options: CallOptions = {}): Promise<AddOutcome[]> {
    const lines = await this.#caller.lines({
      method: 'POST',
      path: `${packagePath(id)}/files`,
      headers: { accept: 'application/x-ndjson', 'content-type': 'application/x-tar' },
      body: () => tarStream(files),
      size: tarLength(files),
      signal: options.signal,
    })
    return lines.map(line => toOutcome(addResult.parse(line)))
  }

  /** Takes a file out of an open package. @throws ArtifactError `file-not-found`, `package-sealed`. */
  async remove(id: string, path: string, options: CallOptions = {}): Promise<void> {
    let again = false
    const onAttempt = (attempt: number) => {
      again = attempt > 1
    }
    try {
      await this.#caller.nothing({ method: 'DELETE', path: filePath(id, path), signal: options.signal, onAttempt })
    } catch (error) {
      // The first attempt's answer was lost, not its effect.
      if (!again || !isArtifactError(error, 'file-not-found')) throw error
    }
  }

  /** One page, in the order of the paths' bytes. */
  async list(id: string, options: PageOptions = {}): Promise<{ files: PackageFile[]; next?: string | undefined }> {
    const query = { cursor: options.cursor, limit: options.limit }
    return this.#caller.json({ method: 'GET', path: `${packagePath(id)}/files`, query, signal: options.signal }, filePage)
  }

  /** All of them, read page by page as they are asked for. */
  async *all(id: string, options: Omit<PageOptions, 'cursor'> = {}): AsyncGenerator<PackageFile, void, undefined> {
    let cursor: string | undefined
    do {
      const page = await this.list(id, { ...options, cursor })
      yield* page.files
      cursor = page.next
    } while (cursor !== undefined)
  }

  /** @throws ArtifactError `file-not-found`, `range-not-satisfiable` */
  async get(id: string, path: string, options: FetchOptions = {}): Promise<ReceivedBytes> {
    return fetchBytes(this.#caller, filePath(id, path), options)
  }

  /** What `get` would say, without the bytes; undefined when there is no such file. */
  async stat(id: string, path: string, options: CallOptions = {}): Promise<ReceivedHead | undefined> {
    const response = await this.#caller.head({ path: filePath(id, path), signal: options.signal })
    return response && receivedHead(response)
  }
}

function toOutcome({ path, status, file, problem }: z.infer<typeof addResult>): AddOutcome {
  return file ? { path, file } : { path, error: errorFromProblem(problem, status) }
}

/** The length of bytes that are there; undefined for those that are still to be opened. */
export function sizeOf(body: RequestBody): number | undefined {
  if (typeof body === 'string') return Buffer.byteLength(body)
  return typeof body === 'function' ? undefined : body.byteLength
}

function filePath(id: string, path: string): string {
  return `${packagePath(id)}/files/${parseArtifactPath(path).split('/').map(encodeURIComponent).join('/')}`
}

import { type AnyDigest, ArtifactError, type ErrorKind, isArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import { pause, type RetryPolicy, retryDelay } from './http/retry.ts'
import { type CallOptions, digest, sha256, time } from './wire.ts'

const uploadSchema = z.looseObject({
  id: z.string(),
  state: z.enum(['receiving', 'received', 'completed', 'failed']),
  role: z.enum(['whole', 'part', 'final']),
  /** How many bytes are there. */
  offset: z.int(),
  length: z.int().optional(),
  package: z.string().optional(),
  path: z.string().optional(),
  /** Known once it is complete. */
  digest: digest.optional(),
  sha256: sha256.optional(),
  expiresAt: time,
})
/** A resumable upload as the store has it. */
export type UploadState = z.infer<typeof uploadSchema>
const uploadPage = z.looseObject({ uploads: z.array(uploadSchema), next: z.string().optional() })

/** Bytes that can be opened anywhere, as those of a file can. */
export interface ResumableContent {
  /** The bytes from `offset` on. Called anew for every attempt. */
  open(offset: number): AsyncIterable<Uint8Array>
  /** In bytes. */
  readonly size: number
  /** What the bytes must be. With it an upload that was broken off, also by the end of this process, is found again and gone on with. */
  readonly digest?: AnyDigest | undefined
  readonly mediaType?: string | undefined
  /** The file that the bytes become; without it a blob, to be added to packages by its digest. */
  readonly target?: { readonly packageId: string; readonly path: string } | undefined
}

/** Resumable uploads (tus 1.0): nothing that has arrived has to be sent again, whatever dies meanwhile. */
export class Uploads {
  readonly #caller: Caller
  readonly #retry: RetryPolicy

  constructor(caller: Caller, retry: RetryPolicy) {
    this.#caller = caller
    this.#retry = retry
  }

  /**
   * Stores bytes, going on where an earlier upload of the same digest was broken off, and again where this one is. It gives up only when nothing
   * moves any more for as long as the client's patience lasts.
   * @throws ArtifactError `digest-mismatch`, `path-taken`, `package-sealed`, `body-too-large`; `backend-unavailable` when patience ends.
   */
  async put(content: ResumableContent, options: CallOptions = {}): Promise<UploadState> {
    const { signal } = options
    let upload = (await this.#find(content, options)) ?? (await this.begin(content, options))
    for (let failures = 0; ; ) {
      try {
        if (upload.state === 'completed') return upload
        await this.#append(upload, content, signal)
        return await this.get(upload.id, options)
      } catch (error) {
        signal?.throwIfAborted()
        if (!isArtifactError(error, ...mayPass)) throw error
        const now = isArtifactError(error, 'upload-not-found')
          ? await this.begin(content, options)
          : await this.get(upload.id, options)
        failures = now.id === upload.id && now.offset > upload.offset ? 1 : failures + 1
        upload = now
        if (upload.state === 'completed') return upload
        const delayMs = retryDelay(this.#retry, failures, { contacted: true })
        if (delayMs === undefined) throw error
        await pause(delayMs, signal)
      }
    }
  }

  /** Begins an upload; no byte is sent yet. */
  async begin(
    { size, digest, mediaType, target }: Omit<ResumableContent, 'open'>,
    options: CallOptions = {},
  ): Promise<UploadState> {
    const metadata = metadataField({ digest, filetype: mediaType, package: target?.packageId, path: target?.path })
    const headers = { ...tus, 'upload-length': String(size), ...(metadata === '' ? {} : { 'upload-metadata': metadata }) }
    const answer = await this.#caller.stream({ method: 'POST', path: '/v1/uploads', headers, size: 0, signal: options.signal })
    answer.body.resume()
    const id = /\/v1\/uploads\/([^/]+)$/.exec(answer.headers.get('location') ?? '')?.[1]
    if (id === undefined) throw new ArtifactError('internal', 'the store began an upload and did not say where it is')
    return this.get(id, options)
  }

  /** How an upload stands. @throws ArtifactError `upload-not-found`; why its completion failed. */
  async get(id: string, options: CallOptions = {}): Promise<UploadState> {
    return this.#caller.json({ method: 'GET', path: uploadPath(id), signal: options.signal }, uploadSchema)
  }

  /** Uploads of the caller's actor that are not complete, the oldest first; up to 500 of them. */
  async unfinished(options: CallOptions & { digest?: AnyDigest | undefined } = {}): Promise<UploadState[]> {
    const query = { digest: options.digest, limit: 500 }
    const call = { method: 'GET', path: '/v1/uploads', query, signal: options.signal } as const
    return (await this.#caller.json(call, uploadPage)).uploads
  }

  /** Ends an upload and gives its bytes up; what it has become stays. @throws ArtifactError `upload-not-found` */
  async end(id: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.nothing({ method: 'DELETE', path: uploadPath(id), headers: tus, signal: options.signal })
  }

  async #find({ digest, size, target }: ResumableContent, options: CallOptions): Promise<UploadState | undefined> {
    if (digest === undefined) return undefined
    const candidates = await this.unfinished({ ...options, digest })
    return candidates.find(
      ({ role, length, package: packageId, path }) =>
        role === 'whole' && length === size && packageId === target?.packageId && path === target?.path,
    )
  }

  async #append({ id, offset }: UploadState, content: ResumableContent, signal: AbortSignal | undefined): Promise<void> {
    await this.#caller.nothing({
      method: 'PATCH',
      path: uploadPath(id),
      headers: { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) },
      body: () => content.open(offset),
      size: content.size - offset,
      signal,
      // The same piece would not be right any more: some of it may have arrived.
      retry: 'never',
    })
  }
}

const tus = { 'tus-resumable': '1.0.0' } as const

/** After these the upload may still be gone on with, or begun anew. */
const mayPass: readonly ErrorKind[] = [
  'upload-not-found',
  'upload-locked',
  'offset-mismatch',
  'body-incomplete',
  'backend-unavailable',
  'log-unavailable',
  'overloaded',
  'views-behind',
]

function uploadPath(id: string): string {
  return `/v1/uploads/${encodeURIComponent(id)}`
}

/** `Upload-Metadata`: keys and base64 values, with commas between. */
function metadataField(pairs: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(pairs)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${Buffer.from(value).toString('base64')}`]))
    .join(',')
}

import { randomUUID } from 'node:crypto'
import { isArtifactError, type PackageId, parsePackageId } from '@artifact-store/core'
import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import { type ByteRange, type ReceivedBytes, rangeHeader, receivedHead } from './received-bytes.ts'
import { type CallOptions, digest, type PageOptions, packageId, sha256, time } from './wire.ts'

const packageState = z.enum(['open', 'finalized', 'discarded', 'deleted'])
export type PackageState = z.infer<typeof packageState>

const packageSchema = z.looseObject({
  id: packageId,
  state: packageState,
  name: z.string(),
  version: z.string().optional(),
  kind: z.string(),
  producer: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  inputs: z.array(z.looseObject({ uri: z.string(), digest: z.string().optional() })),
  retentionClass: z.string().optional(),
  createdAt: time,
  createdBy: z.string(),
  updatedAt: time,
  fileCount: z.int(),
  totalSize: z.int(),
  revision: z.int(),
  position: z.int().optional(),
  manifestDigest: digest.optional(),
  manifestSha256: sha256.optional(),
  finalizedAt: time.optional(),
})
/** A package as the store describes it. Sizes are bytes, times RFC 3339 in UTC. */
export type Package = z.infer<typeof packageSchema>

const finalizedSchema = z.looseObject({
  id: packageId,
  manifestDigest: digest,
  manifestSha256: sha256,
  fileCount: z.int(),
  totalSize: z.int(),
})
/** What a finalized package is for good. */
export type Finalized = z.infer<typeof finalizedSchema>

/** What a package is called and where it comes from. `name` follows the OCI repository grammar (`ci/nightly`), `version` the tag grammar. */
export interface NewPackage {
  readonly name: string
  readonly version?: string | undefined
  readonly kind: string
  readonly producer?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** What it was made from. */
  readonly inputs?: readonly { readonly uri: string; readonly digest?: string | undefined }[] | undefined
  readonly retentionClass?: string | undefined
}

export interface PackageFilter {
  readonly name?: string | undefined
  readonly kind?: string | undefined
  readonly state?: PackageState | undefined
  /** Packages that have all of these. */
  readonly labels?: Readonly<Record<string, string>> | undefined
}

const packagePage = z.looseObject({ packages: z.array(packageSchema), next: z.string().optional() })

export type ArchiveFormat = 'tar' | 'zip'

export class Packages {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** @param options.idempotencyKey the same key makes the same package, however often it is sent within a week; a random one
   * where none is given. */
  async create(input: NewPackage, options: CallOptions & { idempotencyKey?: string | undefined } = {}): Promise<Package> {
    const headers = { 'idempotency-key': options.idempotencyKey ?? randomUUID() }
    return this.#caller.json(
      { method: 'POST', path: '/v1/packages', json: input, headers, signal: options.signal },
      packageSchema,
    )
  }

  /** @throws ArtifactError `package-not-found` */
  async get(id: string, options: CallOptions = {}): Promise<Package> {
    return this.#caller.json({ method: 'GET', path: packagePath(id), signal: options.signal }, packageSchema)
  }

  /** One page, newest first. */
  async list(filter: PackageFilter = {}, options: PageOptions = {}): Promise<{ packages: Package[]; next?: string | undefined }> {
    const { labels = {}, name, kind, state } = filter
    const label = Object.entries(labels).map(([key, value]) => `${key}:${value}`)
    const query = { name, kind, state, label, cursor: options.cursor, limit: options.limit }
    return this.#caller.json({ method: 'GET', path: '/v1/packages', query, signal: options.signal }, packagePage)
  }

  /** All of them, newest first, read page by page as they are asked for. */
  async *all(filter: PackageFilter = {}, options: Omit<PageOptions, 'cursor'> = {}): AsyncGenerator<Package, void, undefined> {
    let cursor: string | undefined
    do {
      const page = await this.list(filter, { ...options, cursor })
      yield* page.packages
      cursor = page.next
    } while (cursor !== undefined)
  }

  /**
   * Closes the package for good; doing it again answers the same.
   * @throws ArtifactError `manifest-mismatch` when it is not what `expectedManifestDigest` names: then it stays open.
   */
  async finalize(id: string, options: CallOptions & { expectedManifestDigest?: string | undefined } = {}): Promise<Finalized> {
    const json = { expectedManifestDigest: options.expectedManifestDigest }
    return this.#caller.json(
      { method: 'POST', path: `${packagePath(id)}/finalize`, json, signal: options.signal },
      finalizedSchema,
    )
  }

  /** Gives an open package up. @throws ArtifactError `package-sealed` when it is finalized. */
  async discard(id: string, options: CallOptions & { reason?: string | undefined } = {}): Promise<Package> {
    try {
      const json = { reason: options.reason }
      return await this.#caller.json(
        { method: 'POST', path: `${packagePath(id)}/discard`, json, signal: options.signal },
        packageSchema,
      )
    } catch (error) {
      if (!isArtifactError(error, 'package-sealed')) throw error
      // The first answer may have been lost on its way; then this was the second time.
      const found = await this.get(id, options)
      if (found.state !== 'discarded') throw error
      return found
    }
  }

  /**
   * A finalized package as one file. The same package gives the same bytes always, so a part that is missing is fetched by its range.
   * @param options.ifMatch an ETag: other bytes are refused.
   * @throws ArtifactError `package-not-finalized`, `range-not-satisfiable`; `precondition-failed` when the store makes other bytes by now.
   */
  async archive(
    id: string,
    format: ArchiveFormat,
    options: CallOptions & { range?: ByteRange | undefined; ifMatch?: string | undefined } = {},
  ): Promise<ReceivedBytes> {
    const { range, ifMatch, signal } = options
    const headers = { accept: '*/*', ...rangeHeader(range), ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }) }
    const response = await this.#caller.stream({
      method: 'GET',
      path: `${packagePath(id)}/archive`,
      query: { format },
      headers,
      signal,
    })
    return { ...receivedHead(response), body: response.body, isElsewhere: false }
  }

  /** The manifest's very bytes, an OCI image manifest in RFC 8785 form. They are proportional to the number of files. */
  async manifest(id: string, options: CallOptions = {}): Promise<Uint8Array> {
    const path = `${packagePath(id)}/manifest`
    return this.#caller.bytes({ method: 'GET', path, headers: { accept: '*/*' }, signal: options.signal })
  }
}

/** @throws ArtifactError `package-not-found` for what cannot be an id. */
export function packagePath(id: string | PackageId): string {
  return `/v1/packages/${parsePackageId(id)}`
}

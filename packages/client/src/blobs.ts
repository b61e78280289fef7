import { type AnyDigest, parseAnyDigest } from '@artifact-store/core'
import { z } from 'zod'
import { sizeOf } from './files.ts'
import type { Caller } from './http/caller.ts'
import type { RequestBody } from './http/transport.ts'
import { type FetchOptions, fetchBytes, type ReceivedBytes, type ReceivedHead, receivedHead } from './received-bytes.ts'
import { reprDigestHeader } from './repr-digest.ts'
import type { CallOptions } from './wire.ts'

export class Blobs {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Which of up to 1,000 digests the store has no bytes for, in the order asked. */
  async missing(digests: readonly string[], options: CallOptions = {}): Promise<AnyDigest[]> {
    const call = { method: 'POST', path: '/v1/blobs/missing', json: { digests }, signal: options.signal } as const
    return (await this.#caller.json(call, missingSchema)).missing
  }

  /**
   * Stores bytes under their digest; `known` when they were there already.
   * @param content.also another digest of the same bytes, to be checked as well.
   * @throws ArtifactError `digest-mismatch` when they have another digest.
   */
  async put(
    digest: AnyDigest,
    content: { body: RequestBody; size?: number | undefined; also?: AnyDigest | undefined },
    options: CallOptions = {},
  ): Promise<'stored' | 'known'> {
    const { body, size = sizeOf(body), also } = content
    const headers = { 'content-type': 'application/octet-stream', ...reprDigestHeader([digest, also]) }
    const status = await this.#caller.nothing({
      method: 'PUT',
      path: blobPath(digest),
      headers,
      body,
      size,
      signal: options.signal,
    })
    return status === 201 ? 'stored' : 'known'
  }

  /** @throws ArtifactError `blob-not-found`, `range-not-satisfiable` */
  async get(digest: string, options: FetchOptions = {}): Promise<ReceivedBytes> {
    return fetchBytes(this.#caller, blobPath(digest), options)
  }

  /** What `get` would say, without the bytes; undefined when the store has them not. */
  async stat(digest: string, options: CallOptions = {}): Promise<ReceivedHead | undefined> {
    const response = await this.#caller.head({ path: blobPath(digest), signal: options.signal })
    return response && receivedHead(response)
  }
}

const missingSchema = z.looseObject({ missing: z.array(z.string().transform(text => parseAnyDigest(text))) })

function blobPath(digest: string): string {
  return `/v1/blobs/${parseAnyDigest(digest)}`
}

import { ArtifactError, type Digest } from '@artifact-store/core'
import type { S3Client } from '@aws-sdk/client-s3'
import { abortable } from '../abortable.ts'
import type { Abortable, BlobEntry, BlobStat, BlobStore, ByteStream, PresignedGet } from '../blob-store.ts'
import { type ByteRange, clampRange } from '../byte-range.ts'
import type { BackendReport, Finding } from '../capability.ts'
import { parseS3Address, type S3Address, showAddress } from '../s3/address.ts'
import { S3Bucket } from '../s3/bucket.ts'
import { S3Calls } from '../s3/calls.ts'
import type { CircuitOptions } from '../s3/circuit.ts'
import { openS3Client, type S3Credentials } from '../s3/client.ts'
import { s3Keys } from '../s3/keys.ts'
import { headObject } from '../s3/objects.ts'
import { PartMemory } from '../s3/part-memory.ts'
import { type Part, partsOf } from '../s3/parts.ts'
import { S3Presigner } from '../s3/presign.ts'
import { putLarge } from '../s3/put-large.ts'
import { readObject } from '../s3/read.ts'
import { S3Staging } from '../s3/s3-staging.ts'
import { StagedKeys } from '../s3/staged-keys.ts'
import { S3Upkeep } from '../s3/upkeep.ts'
import { stagingOwner } from '../staging-name.ts'

const upkeepEveryMs = 10 * 60_000

export interface S3Options extends S3Address {
  /** Without them, those of the standard AWS variables and files are taken. */
  readonly credentials?: S3Credentials | undefined
  /** What an earlier examination found; without it the server is examined as soon as it can be reached. */
  readonly findings?: readonly Finding[] | undefined
  /** How long calls are kept from a server that does not work. */
  readonly circuit?: CircuitOptions | undefined
  /** Objects above this size are copied in pieces of it. */
  readonly copyPieceSize?: number | undefined
  /** How often leftovers are looked for, in milliseconds. */
  readonly upkeepEveryMs?: number | undefined
}

/**
 * A blob store in a bucket of AWS S3, Ceph RGW or another server that speaks S3; several processes may share it. A blob of one
 * part is put under its digest in one piece. A larger one is sent as a multipart upload to a staging key and, once its digest is
 * known, copied to its key by the server. Nothing half-written can be found under a digest.
 *
 * Opening does not fail where the server cannot be reached: calls do, and `report()` says why. What differs between servers is
 * tried out as soon as one answers, and not used before.
 */
export async function openS3BlobStore(options: S3Options): Promise<BlobStore> {
  const store = new S3BlobStore(options, await stagingOwner())
  await store.begin()
  return store
}

/** Opens `s3://bucket/prefix?endpoint=…&region=…&pathStyle=true`. @throws ArtifactError `configuration` */
export function openS3Url(url: URL): Promise<BlobStore> {
  return openS3BlobStore(parseS3Address(url))
}

class S3BlobStore implements BlobStore {
  readonly staging: S3Staging
  readonly #address: S3Address
  readonly #client: S3Client
  readonly #calls: S3Calls
  readonly #bucket: S3Bucket
  readonly #staged: StagedKeys
  readonly #upkeep: S3Upkeep
  readonly #presigner: S3Presigner
  readonly #copyPieceSize: number | undefined

  constructor(options: S3Options, owner: string) {
    this.#address = options
    this.#client = openS3Client(options, options.credentials)
    this.#calls = new S3Calls(this.#client, options, options.circuit)
    this.#bucket = new S3Bucket(this.#calls, s3Keys(options.prefix), new PartMemory(options.partSize))
    this.staging = new S3Staging(this.#bucket, this)
    this.#staged = new StagedKeys(owner)
    this.#upkeep = new S3Upkeep(this.#bucket, this.#staged, options.upkeepEveryMs ?? upkeepEveryMs)
    this.#copyPieceSize = options.copyPieceSize
    this.#presigner = new S3Presigner(options, this.#bucket.keys, options.credentials)
    if (options.findings !== undefined) this.#upkeep.found(options.findings)
  }

  begin(): Promise<void> {
    return this.#upkeep.begin()
  }

  async put(bytes: ByteStream, name: () => Digest, { signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted()
    const stopped = new AbortController()
    const source = abortable(bytes, signal === undefined ? stopped.signal : AbortSignal.any([signal, stopped.signal]))
    const parts = partsOf(source, this.#bucket.memory)
    const first = await parts.next()
    if (first.done === true) throw new ArtifactError('internal', 'a stream was cut into no part at all')
    try {
      if (first.value.last) await this.#putSmall(first.value, name, signal)
      else await this.#putLarge(withFirst(first.value, parts), name, { signal, onFailure: error => stopped.abort(error) })
    } finally {
      first.value.release()
      await parts.return()
    }
  }

  async get(digest: Digest, { range, signal }: Abortable & { readonly range?: ByteRange | undefined } = {}): Promise<ByteStream> {
    const there = await this.stat(digest, { signal })
    if (there === undefined)
      throw new ArtifactError('blob-not-found', `there is no blob ${digest} in the bucket "${this.#address.bucket}"`, {
        details: { digest },
      })
    const part = { key: this.#bucket.keys.blob(digest), size: there.size, range: clampRange(range, there.size) }
    return abortable(readObject(this.#calls, { ...part, ranges: this.#bucket.capabilities.has('range'), signal }), signal)
  }

  presignGet(digest: Digest, options: PresignedGet): Promise<string> {
    return this.#presigner.sign(digest, options)
  }

  async stat(digest: Digest, options: Abortable = {}): Promise<BlobStat | undefined> {
    const found = await headObject(this.#calls, this.#bucket.keys.blob(digest), options)
    return found && { size: found.size }
  }

  async delete(digest: Digest, options: Abortable = {}): Promise<boolean> {
    // A server does not say whether it removed anything.
    if ((await this.stat(digest, options)) === undefined) return false
    await this.#bucket.remove(this.#bucket.keys.blob(digest), options)
    return true
  }

  async *list({
    after,
    signal,
  }: Abortable & { readonly after?: Digest | undefined } = {}): AsyncGenerator<BlobEntry, void, void> {
    const { keys } = this.#bucket
    for await (const { key, size } of this.#bucket.list(keys.blobs, { after: after && keys.blob(after), signal })) {
      signal?.throwIfAborted()
      const digest = keys.digestOf(key)
      if (digest !== undefined) yield { digest, size }
    }
  }

  async probe(options: Abortable = {}): Promise<void> {
    using trial = this.#staged.take(this.#bucket.keys.trials)
    await this.#bucket.put(trial.key, Buffer.from('probe'), options)
    await this.#bucket.remove(trial.key, options)
  }

  report(): BackendReport {
    return {
      address: showAddress(this.#address),
      examinedAt: this.#upkeep.examinedAt,
      findings: this.#bucket.capabilities.findings,
      trouble: this.#calls.trouble ?? this.#upkeep.trouble,
    }
  }

  async examine(options: Abortable = {}): Promise<BackendReport> {
    await this.#upkeep.examine(options)
    return this.report()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#upkeep[Symbol.asyncDispose]()
    this.#presigner[Symbol.dispose]()
    this.#client.destroy()
  }

  async #putSmall({ bytes }: Part, name: () => Digest, signal: AbortSignal | undefined): Promise<void> {
    const digest = name()
    signal?.throwIfAborted()
    // Without the signal: a put that was given up while it is under way may have been done, and must then not count as failed.
    await this.#bucket.put(this.#bucket.keys.blob(digest), bytes)
  }

  async #putLarge(
    parts: AsyncIterable<Part>,
    name: () => Digest,
    { signal, onFailure }: Abortable & { readonly onFailure: (error: unknown) => void },
  ): Promise<void> {
    using staged = this.#staged.take(this.#bucket.keys.staging)
    const named: { digest?: Digest } = {}
    const beforeCompletion = () => {
      named.digest = name()
    }
    const size = await putLarge(this.#calls, staged.key, parts, { signal, beforeCompletion, onFailure })
    try {
      signal?.throwIfAborted()
      if (named.digest === undefined) throw new ArtifactError('internal', 'a large put was completed without a name')
      await this.#bucket.copy({
        from: staged.key,
        to: this.#bucket.keys.blob(named.digest),
        size,
        pieceSize: this.#copyPieceSize,
      })
    } finally {
      // What cannot be removed now is collected later.
      await this.#bucket.remove(staged.key).catch(() => undefined)
    }
  }
}

async function* withFirst(first: Part, rest: AsyncIterable<Part>): AsyncGenerator<Part, void, void> {
  yield first
  yield* rest
}

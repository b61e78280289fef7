import type { Hash } from 'node:crypto'
import { type AnyDigest, ArtifactError, type ContentDigests } from '@artifact-store/core'
import type { Abortable, ByteStream } from './blob-store.ts'
import { assertDigest, type CheckedParts, checkedPut } from './checked-write.ts'
import type { ContentHashing } from './hashing/content-hashing.ts'
import { digestOfState, type ResumableHasher, resumeHasher, sha256Of } from './resumable-hashing.ts'
import type { ResumeOptions, StagedBytes, StagedEntry } from './staging.ts'

/** What is durable of an upload and how far it is hashed: a plain value, to be kept in one row with the upload's offset. */
export interface PartialContent extends StagedBytes {
  /** The state of BLAKE3 after these bytes; undefined when they are not hashed, or have to be read again to be. */
  readonly hashed?: Uint8Array | undefined
}

export interface UploadWriter extends AsyncDisposable {
  /** @throws ArtifactError `storage-full`, `backend-unavailable` */
  write(chunk: Uint8Array): Promise<void>
  /** Makes all that was written durable, and says what there is now. */
  checkpoint(): Promise<PartialContent>
}

/**
 * Uploads in pieces that turn out to be what was announced, or are refused: they are hashed as they stream, and become blobs under the digest that
 * they have. The order is `resume` … `checkpoint`, as often as it takes and by whatever process, then `identify`, `publish`, `discard`.
 */
export interface CheckedUploads {
  /** @param options.hash false for a part of something larger, whose own digest nobody asks for. */
  resume(id: string, from: PartialContent, options: ResumeOptions & { readonly hash: boolean }): Promise<UploadWriter>
  /** Both digests. The bytes are read again where they have not all been hashed by this process. @throws ArtifactError `blob-corrupt` */
  identify(id: string, content: PartialContent, options?: Abortable): Promise<ContentDigests>
  /** Makes the bytes a blob; may be repeated until `discard`. @param digests what `identify` said. */
  publish(id: string, content: PartialContent, digests: ContentDigests, options?: Abortable): Promise<void>
  /** Makes a blob of uploads one behind the other, which stay as they are. @throws ArtifactError `digest-mismatch`, then nothing is kept. */
  concatenate(
    parts: readonly { readonly id: string; readonly content: StagedBytes }[],
    options?: Abortable & { readonly expect?: readonly AnyDigest[] },
  ): Promise<ContentDigests>
  discard(id: string, options?: Abortable): Promise<void>
  list(options?: Abortable): AsyncIterable<StagedEntry>
}

/** How many uploads' SHA-256 are remembered between two pieces. Each takes a few hundred bytes; who is forgotten is read again. */
const mostRemembered = 1000

export function checkedUploads(checked: CheckedParts): CheckedUploads {
  const { staging } = checked.store
  const remembered = new Map<string, { readonly hashed: Uint8Array; readonly sha256: Hash }>()

  function remember(id: string, hasher: ResumableHasher, hashed: Uint8Array): void {
    remembered.delete(id)
    if (hasher.sha256 === undefined) return
    remembered.set(id, { hashed, sha256: hasher.sha256.copy() })
    const [oldest] = remembered.keys()
    if (remembered.size > mostRemembered && oldest !== undefined) remembered.delete(oldest)
  }

  /** SHA-256 at the place where BLAKE3 has this state: another process may have been there meanwhile, and got elsewhere. */
  function recall(id: string, hashed: Uint8Array): Hash | undefined {
    const known = remembered.get(id)
    return known && Buffer.compare(known.hashed, hashed) === 0 ? known.sha256 : undefined
  }

  async function hasherFrom(id: string, from: PartialContent): Promise<ResumableHasher | undefined> {
    if (from.size === 0) return resumeHasher(undefined)
    return from.hashed && resumeHasher({ blake3: from.hashed, sha256: recall(id, from.hashed) })
  }

  return {
    async resume(id, from, { hash, ...options }) {
      const hasher = hash ? await hasherFrom(id, from) : undefined
      const writer = await staging.resume(id, from, options)
      return {
        async write(chunk) {
          hasher?.update(chunk)
          await writer.write(chunk)
        },
        async checkpoint() {
          const staged = await writer.flush()
          if (hasher === undefined) return staged
          const hashed = hasher.save()
          remember(id, hasher, hashed)
          return { ...staged, hashed }
        },
        [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
      }
    },

    async identify(id, content, options) {
      const { size, hashed } = content
      const sha256 = hashed && recall(id, hashed)
      const digest = hashed && (await digestOfState(hashed))
      if (digest && sha256) return { digest, sha256: sha256Of(sha256), size }
      const read = await hashAll(staging.read(id, content, options), checked.hashing)
      if (digest === undefined || digest === read.digest) return read
      throw new ArtifactError(
        'blob-corrupt',
        `the backend gave other bytes of upload ${id} than it had taken: their digest was ${digest} and is ${read.digest}; begin the upload anew`,
        { details: { uploadId: id, digest, actual: read.digest } },
      )
    },

    publish: (id, content, { digest }, options) => staging.publish(id, content, digest, options),

    concatenate(parts, { signal, expect } = {}) {
      return checkedPut(checked, oneBehindTheOther(parts, signal), {
        signal,
        expect,
        size: parts.reduce((sum, { content }) => sum + content.size, 0),
      })
    },

    async discard(id, options) {
      remembered.delete(id)
      await staging.discard(id, options)
    },

    list: options => staging.list(options),
  }

  async function* oneBehindTheOther(
    parts: readonly { readonly id: string; readonly content: StagedBytes }[],
    signal: AbortSignal | undefined,
  ): ByteStream {
    for (const { id, content } of parts) yield* staging.read(id, content, { signal })
  }
}

/** @throws ArtifactError `digest-mismatch` unless the content has all of these digests. */
export function assertDigests(expected: readonly AnyDigest[], digests: ContentDigests): void {
  for (const digest of expected) assertDigest(digest, digests)
}

async function hashAll(bytes: ByteStream, hashing: ContentHashing): Promise<ContentDigests> {
  using hasher = await hashing.open(undefined)
  for await (const chunk of bytes) await hasher.update(chunk)
  return await hasher.digests()
}

import { type Digest, isArtifactError } from '@artifact-store/core'
import type { Abortable, BlobStore, ByteStream } from '../blob-store.ts'
import { copyBlob } from '../copy-blob.ts'
import type { ResumeOptions, StagedBytes, StagedEntry, StagedWriter, Staging } from '../staging.ts'
import type { Places } from './several-blob-stores.ts'

/**
 * Uploads in pieces are staged in the primary alone: its notes of where they are mean nothing to another store. What they become is copied to the
 * replicas. What was begun while another store was the primary has to begin anew, and is removed from there when its time is over.
 */
export class SeveralStaging implements Staging {
  readonly #primary: BlobStore
  readonly #replicas: readonly BlobStore[]
  readonly #others: readonly BlobStore[]

  constructor({ primary, replicas, older }: Places) {
    this.#primary = primary
    this.#replicas = replicas
    this.#others = [...replicas, ...older]
  }

  resume(id: string, from: StagedBytes, options: ResumeOptions): Promise<StagedWriter> {
    return this.#primary.staging.resume(id, from, options)
  }

  read(id: string, bytes: StagedBytes, options?: Abortable): ByteStream {
    return this.#primary.staging.read(id, bytes, options)
  }

  async publish(id: string, bytes: StagedBytes, digest: Digest, options?: Abortable): Promise<void> {
    await this.#primary.staging.publish(id, bytes, digest, options)
    for (const replica of this.#replicas) await copyBlob(this.#primary, replica, { digest, size: bytes.size }, options)
  }

  async discard(id: string, options?: Abortable): Promise<void> {
    await this.#primary.staging.discard(id, options)
    for (const store of this.#others) {
      try {
        await store.staging.discard(id, options)
      } catch (error) {
        // What cannot be removed there now is listed again, and removed then.
        if (!isArtifactError(error, 'backend-unavailable')) throw error
      }
    }
  }

  async *list(options?: Abortable): AsyncGenerator<StagedEntry, void, void> {
    for (const store of [this.#primary, ...this.#others]) yield* store.staging.list(options)
  }
}

import type { Digest } from '@artifact-store/core'
import type { Abortable, ByteStream } from './blob-store.ts'

/**
 * The bytes of an upload that are durable although it is not complete. A plain value (JSON): whoever has the upload keeps it, in a database
 * for instance, and hands it back with the next call, perhaps in another process. Only that value says which bytes count; what the
 * backend holds beyond it was never acknowledged.
 */
export interface StagedBytes {
  readonly size: number
  /** The backend's own notes of where they are; undefined while there are none. */
  readonly place?: unknown
}

/** That there is something of an upload. */
export interface StagedEntry {
  readonly id: string
  /** When a writer last began there, which may be long before its last byte. */
  readonly since: Date
}

/** Writes one upload on. One call at a time. Disposing of it closes what it holds; what was not flushed may be lost then. */
export interface StagedWriter extends AsyncDisposable {
  /** Takes the chunk, which it copies or has written when this resolves; memory is bounded. @throws ArtifactError `storage-full` */
  write(chunk: Uint8Array): Promise<void>
  /** Makes all that was written durable. @throws ArtifactError `storage-full` */
  flush(): Promise<StagedBytes>
}

export interface ResumeOptions extends Abortable {
  /**
   * False when the writer before did not say that it had ended: it may live, and write late. Then its writes must not reach the bytes that are
   * written from now on, nor those that `from` names.
   */
  readonly alone: boolean
}

/**
 * Uploads that arrive in pieces, through several processes one after the other, until they become a blob or are given up. Who may write, and
 * which bytes count, is decided by the caller; the backend keeps bytes.
 *
 * An id is a name of at most 64 letters, digits and hyphens, which the caller never gives to two uploads. Every method throws ArtifactError
 * `backend-unavailable` when the backend cannot be used.
 */
export interface Staging {
  /** Opens an upload for writing behind the bytes that it has. Bytes beyond `from` are dropped. */
  resume(id: string, from: StagedBytes, options: ResumeOptions): Promise<StagedWriter>

  /** The bytes in their order. @throws ArtifactError `blob-corrupt` when the backend does not have them (any more). */
  read(id: string, bytes: StagedBytes, options?: Abortable): ByteStream

  /**
   * Makes the bytes a blob, atomically and durably, as a put does. Nobody may write to the upload any more. It may be called again, by another
   * process too, until `discard`: then the blob is there already.
   * @throws ArtifactError `storage-full`; `blob-corrupt` when the backend does not have the bytes (any more).
   */
  publish(id: string, bytes: StagedBytes, digest: Digest, options?: Abortable): Promise<void>

  /** Removes all that there is of the upload, whoever wrote it. Harmless to call again, and for an upload that never was. */
  discard(id: string, options?: Abortable): Promise<void>

  /** Every upload of which there is something, in any order and in bounded memory. */
  list(options?: Abortable): AsyncIterable<StagedEntry>
}

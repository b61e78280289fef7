import { ArtifactError, isArtifactError } from '@artifact-store/core'
import type { Abortable, BlobStore } from './blob-store.ts'

export interface InTurn extends Abortable {
  /** Told of a copy that is not what it should be, also when another one is read in its place. */
  readonly onBadCopy?: ((error: ArtifactError) => void) | undefined
}

/**
 * The stores that may have a copy of one blob: each is asked once, and the next one only when the one before has failed. Those that have it not are asked once more at
 * the end: while they were asked, the blob may have been moved from one that came later to one that came before.
 */
export class CopiesInTurn {
  #waiting: BlobStore[]
  /** Those that have it not, until they are asked again. */
  #without: BlobStore[] | undefined = []
  #asked: BlobStore | undefined
  readonly #failures: ArtifactError[] = []
  readonly #options: InTurn

  constructor(copies: readonly BlobStore[], options: InTurn) {
    this.#waiting = [...copies]
    this.#options = options
  }

  /**
   * What the next copy gives, or the one behind it where that fails.
   * @throws ArtifactError when none is left: `backend-unavailable` if a store that could not be asked may have a good one, else `blob-corrupt` if one is
   * damaged, else `blob-not-found`; what else `ask` throws, at once.
   */
  async next<T>(ask: (store: BlobStore) => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#waiting.length === 0 && this.#without !== undefined) {
        this.#waiting = this.#without
        this.#without = undefined
      }
      this.#asked = this.#waiting.shift()
      if (this.#asked === undefined) throw worstOf(this.#failures)
      try {
        return await ask(this.#asked)
      } catch (error) {
        this.failed(error)
      }
    }
  }

  /** To be told how the copy failed that was asked last. @throws what is no failure of a copy */
  failed(error: unknown): void {
    const { signal, onBadCopy } = this.#options
    signal?.throwIfAborted()
    if (!isArtifactError(error, 'blob-not-found', 'blob-corrupt', 'backend-unavailable')) throw error
    this.#failures.push(error)
    if (error.kind === 'blob-not-found' && this.#asked) this.#without?.push(this.#asked)
    // Of two copies that differ, nobody knows yet which one is wrong.
    if (error.kind === 'blob-corrupt' && error !== otherBytes) onBadCopy?.(error)
  }
}

/** Says that a copy does not begin with the bytes that had gone out before they were proven. */
export const otherBytes = new ArtifactError(
  'blob-corrupt',
  'copies of a blob differ, and the bytes of one of them had gone out in part: ask for it again',
)

function worstOf(failures: readonly ArtifactError[]): ArtifactError {
  for (const kind of ['backend-unavailable', 'blob-corrupt'] as const) {
    const found = failures.find(failure => failure.kind === kind)
    if (found) return found
  }
  return failures[0] ?? new ArtifactError('internal', 'a blob was looked for in no store at all')
}

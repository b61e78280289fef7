import type { PackageId } from '@artifact-store/core'
import type { Survey } from './survey.ts'

/** How far a push is. Every file is hashed, then stored: by its digest where the store knows it, by its bytes otherwise. */
export interface PushProgress {
  readonly phase: 'storing' | 'finalizing'
  /** Missing until the package is there. */
  readonly packageId?: PackageId | undefined
  readonly filesTotal: number
  readonly bytesTotal: number
  readonly bytesHashed: number
  readonly filesStored: number
  /** Includes what is on its way; falls back when an upload has to begin anew. */
  readonly bytesStored: number
  /** Bytes of the files that had to travel, each counted once. */
  readonly bytesSent: number
}

/** Adds up the progress of a push and tells it. */
export class PushMeter {
  #progress: PushProgress
  readonly #tell: ((progress: PushProgress) => void) | undefined

  constructor(survey: Survey, tell: ((progress: PushProgress) => void) | undefined) {
    this.#tell = tell
    this.#progress = {
      phase: 'storing',
      filesTotal: survey.files,
      bytesTotal: survey.bytes,
      bytesHashed: 0,
      filesStored: 0,
      bytesStored: 0,
      bytesSent: 0,
    }
  }

  get progress(): PushProgress {
    return this.#progress
  }

  opened(packageId: PackageId): void {
    this.#update({ packageId })
  }

  enter(phase: PushProgress['phase']): void {
    this.#update({ phase })
  }

  hashed(bytes: number): void {
    this.#update({ bytesHashed: this.#progress.bytesHashed + bytes })
  }

  /** @param bytes negative when an upload begins anew. */
  sent(bytes: number): void {
    const { bytesStored, bytesSent } = this.#progress
    this.#update({ bytesStored: bytesStored + bytes, bytesSent: bytesSent + bytes })
  }

  /** @param bytes of the file that have not been counted as sent. */
  stored(bytes: number): void {
    const { filesStored, bytesStored } = this.#progress
    this.#update({ filesStored: filesStored + 1, bytesStored: bytesStored + bytes })
  }

  #update(change: Partial<PushProgress>): void {
    this.#progress = { ...this.#progress, ...change }
    this.#tell?.(this.#progress)
  }
}

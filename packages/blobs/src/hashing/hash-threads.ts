import { ArtifactError } from '@artifact-store/core'
import { Thread } from '../threads/thread.ts'
import type { Algorithm, HashAnswer, Hashed, HashOrder } from './hash-thread.ts'
import type { KernelName } from './kernel.ts'

/** One algorithm over one stream, on some thread. */
export interface Lane {
  /** Hashes the first `length` bytes of the block, which must not change until this resolves. */
  update(block: SharedArrayBuffer, length: number): Promise<void>
  /** Ends the lane. */
  digest(): Promise<Hashed>
  /** Gives the lane up; does nothing after `digest()`. */
  forget(): void
}

interface HashThread {
  readonly thread: Thread<HashOrder, HashAnswer>
  readonly streams: Set<number>
}

/** Threads that hash, so that the event loop does not. They start when they are first needed. */
export class HashThreads implements AsyncDisposable {
  readonly #threads: (HashThread | undefined)[]
  readonly #kernel: KernelName
  #last = 0

  /** @param count at most so many threads, one or more. */
  constructor(kernel: KernelName, count: number) {
    this.#kernel = kernel
    this.#threads = Array.from({ length: count }, () => undefined)
  }

  /** A lane on the thread that has the fewest. */
  open(algorithm: Algorithm): Lane {
    const { thread, streams } = this.#leastBusy()
    this.#last += 1
    const stream = this.#last
    streams.add(stream)
    thread.tell({ stream, begin: algorithm })
    return {
      update: async (block, length) => void (await thread.ask({ stream, block, length })),
      async digest() {
        const hashed = await thread.ask({ stream, end: 'digest' })
        streams.delete(stream)
        if (!hashed) throw new ArtifactError('internal', 'a hasher was used after it was given up')
        return hashed
      },
      forget() {
        if (streams.delete(stream)) thread.tell({ stream, end: 'forget' })
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map(there => there?.thread.stop()))
  }

  #leastBusy(): HashThread {
    const lanes = this.#threads.map(there => there?.streams.size ?? 0)
    const index = lanes.indexOf(Math.min(...lanes))
    const there = this.#threads[index]
    if (there && !there.thread.failed) return there
    const script = new URL('./hash-thread.ts', import.meta.url)
    const started = { thread: new Thread<HashOrder, HashAnswer>(script, 'hashing', this.#kernel), streams: new Set<number>() }
    this.#threads[index] = started
    return started
  }
}

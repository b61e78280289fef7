import type { ContentDigests } from '@artifact-store/core'
import { createContentHasher } from '../hashing.ts'
import { HashThreads } from './hash-threads.ts'
import type { HashKernel } from './kernel.ts'
import { type KernelChoice, openHashKernel } from './open-kernel.ts'
import { portableKernel } from './portable-kernel.ts'
import { SharedBlocks, ThreadedHasher } from './threaded-hasher.ts'

/** Hashes one stream, wherever that is done. To be disposed of, finished or not. */
interface StreamHasher extends Disposable {
  /** A promise is to be waited for before more is added. The chunk is free again when this returns, or that resolves. */
  update(chunk: Uint8Array): Promise<void> | undefined
  /** Both digests and the size of all that was added. Ends the hasher. */
  digests(): Promise<ContentDigests>
  /** The chaining values of the blocks, 8 words each, in order, where the kernel tells them; to be asked for after `digests()`. */
  blockValues(): Uint32Array | undefined
}

/** So many streams at once are handed to a thread; more would not be faster, and each holds blocks. */
const streamsPerThread = 4
/** What is shorter is hashed at once: handing it to a thread and back costs as much as hashing it. */
const worthAThread = 512 * 1024

/** How a process hashes what streams through it: with which kernel, and what of it on other threads. */
export interface ContentHashing extends AsyncDisposable {
  readonly kernel: HashKernel
  /** @param size of the stream in bytes, where it is known. */
  open(size: number | undefined): Promise<StreamHasher>
}

/**
 * @param options.threads how many threads may hash large streams beside the event loop; 0: none.
 * @throws ArtifactError `configuration` as `openHashKernel` does.
 */
export async function openContentHashing(options: { kernel: KernelChoice; threads: number }): Promise<ContentHashing> {
  const kernel = await openHashKernel(options.kernel)
  if (options.threads === 0) return onTheEventLoop(kernel)
  const threads = new HashThreads(kernel.name, options.threads)
  const blocks = new SharedBlocks()
  const open = new Set<object>()
  return {
    kernel,
    async open(size) {
      const isSmall = size !== undefined && size < worthAThread
      if (isSmall || open.size >= options.threads * streamsPerThread) return inline(kernel)
      const hasher = new ThreadedHasher(threads, blocks, () => open.delete(hasher))
      open.add(hasher)
      return hasher
    },
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  }
}

/** Hashes where it is called; holds nothing that would need closing. */
export function onTheEventLoop(kernel: HashKernel = portableKernel): ContentHashing {
  return { kernel, open: () => inline(kernel), async [Symbol.asyncDispose]() {} }
}

async function inline(kernel: HashKernel): Promise<StreamHasher> {
  const hasher = await createContentHasher(kernel)
  return {
    update(chunk) {
      hasher.update(chunk)
      return undefined
    },
    digests: async () => hasher.digests(),
    blockValues: () => hasher.blockValues(),
    [Symbol.dispose]() {},
  }
}

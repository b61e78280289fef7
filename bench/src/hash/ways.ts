import { createHash } from 'node:crypto'
import {
  createContentHasher,
  type HashKernel,
  hashBytes,
  openContentHashing,
  openHashKernel,
  portableKernel,
} from '@artifact-store/blobs'

/** One way to hash. */
export interface Way {
  readonly name: string
  /** The whole input, in order. */
  hash(chunks: readonly Uint8Array[]): Promise<unknown>
}

/** All ways that there are here. */
export interface Ways extends AsyncDisposable {
  readonly all: readonly Way[]
  /** What could not be had, and why. */
  readonly missing: readonly string[]
}

export async function openWays(threads: number): Promise<Ways> {
  const native = await openHashKernel('native').catch((error: Error) => error.message)
  const kernels = typeof native === 'string' ? [portableKernel] : [portableKernel, native]
  const stack = new AsyncDisposableStack()
  const threaded = await Promise.all(
    kernels.map(async ({ name }): Promise<Way> => {
      const hashing = stack.use(await openContentHashing({ kernel: name, threads }))
      return {
        name: `both ${name}, on threads`,
        async hash(chunks) {
          using hasher = await hashing.open(undefined)
          for (const chunk of chunks) await hasher.update(chunk)
          return hasher.digests()
        },
      }
    }),
  )
  return {
    all: [...kernels.map(blake3Alone), sha256Alone, ...kernels.map(inOnePass), ...threaded],
    missing: typeof native === 'string' ? [native] : [],
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function blake3Alone(kernel: HashKernel): Way {
  return {
    name: `BLAKE3 ${kernel.name}`,
    async hash([first, ...rest]) {
      if (first && rest.length === 0) return kernel.hash(first)
      const hasher = await kernel.stream()
      for (const chunk of [first, ...rest]) if (chunk) hasher.update(chunk)
      return hasher.digest()
    },
  }
}

const sha256Alone: Way = {
  name: 'SHA-256 of node:crypto',
  async hash(chunks) {
    const hasher = createHash('sha256')
    for (const chunk of chunks) hasher.update(chunk)
    return hasher.digest()
  },
}

function inOnePass(kernel: HashKernel): Way {
  return {
    name: `both ${kernel.name}`,
    async hash([first, ...rest]) {
      if (first && rest.length === 0) return hashBytes(first, kernel)
      const hasher = await createContentHasher(kernel)
      for (const chunk of [first, ...rest]) if (chunk) hasher.update(chunk)
      return hasher.digests()
    },
  }
}

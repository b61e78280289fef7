import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { type AnyDigest, parseSha256 } from '@artifact-store/core/digest'
import type { KernelName } from './kernel.ts'
import { openHashKernel } from './open-kernel.ts'

export type Algorithm = 'blake3' | 'sha256'

/** What a thread is told or asked. */
export type HashOrder =
  /** Not answered. */
  | { readonly stream: number; readonly begin: Algorithm }
  /** The first `length` bytes of a shared block, which may be written again once this is answered. */
  | { readonly stream: number; readonly block: SharedArrayBuffer; readonly length: number }
  | { readonly stream: number; readonly end: 'digest' }
  /** Not answered. */
  | { readonly stream: number; readonly end: 'forget' }

/** What was hashed, and what is known of its blocks. Absent for a block, and of a stream that was forgotten. */
export type HashAnswer = Hashed | undefined

export interface Hashed {
  readonly digest: AnyDigest
  readonly values?: Uint32Array | undefined
}

const kernel = await openHashKernel(workerData as KernelName)
const streams = new Map<number, Hasher>()

// One after the other: a kernel may need a moment for a new stream, and what comes behind must not overtake it.
let last: Promise<void> = Promise.resolve()
parentPort?.on('message', (order: HashOrder) => {
  last = last.then(() => obey(order))
})

async function obey(order: HashOrder): Promise<void> {
  const { stream } = order
  if ('begin' in order) {
    streams.set(stream, order.begin === 'blake3' ? await kernel.stream() : sha256())
    return
  }
  const hasher = streams.get(stream)
  if ('block' in order) {
    hasher?.update(new Uint8Array(order.block, 0, order.length))
    answer(undefined)
    return
  }
  streams.delete(stream)
  if (order.end === 'digest') answer(hasher && { digest: hasher.digest(), values: hasher.values?.() })
}

interface Hasher {
  update(chunk: Uint8Array): void
  digest(): AnyDigest
  readonly values?: () => Uint32Array
}

function sha256(): Hasher {
  const hash = createHash('sha256')
  return { update: chunk => void hash.update(chunk), digest: () => parseSha256(`sha256:${hash.digest('hex')}`) }
}

function answer(answer: HashAnswer): void {
  parentPort?.postMessage(answer)
}

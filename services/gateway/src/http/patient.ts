import { ArtifactError } from '@artifact-store/core'

/**
 * The same stream, but who sends nothing for so long is given up. The clock runs only while bytes are waited for: that a disk is slow is not
 * the sender's fault.
 * @param idleMs milliseconds.
 * @throws ArtifactError `body-incomplete`
 */
export async function* patient(bytes: AsyncIterable<Uint8Array>, idleMs: number): AsyncGenerator<Uint8Array, void, void> {
  const iterator = bytes[Symbol.asyncIterator]()
  try {
    for (;;) {
      const item = await within(iterator.next(), idleMs)
      if (item.done === true) return
      yield item.value
    }
  } finally {
    // Not waited for: a source that hangs would never answer.
    Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}

function within<T>(next: Promise<T>, idleMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(silentFor(idleMs))
    }, idleMs)
    next.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

export function silentFor(idleMs: number): ArtifactError {
  return new ArtifactError(
    'body-incomplete',
    `no byte of the body came for ${idleMs / 1000} s: send it again, over a connection that moves`,
  )
}

import type { ByteStream } from '../blob-store.ts'

type Item = IteratorResult<Uint8Array>

/**
 * One stream that is iterated `count` times at once: the next chunk is asked for when all readers want it, so memory is that of one chunk for each. The
 * first reader that stops early stops the source; those that wait for it then have to be told otherwise.
 */
export function inStep(bytes: ByteStream, count: number): ByteStream {
  const source = bytes[Symbol.asyncIterator]()
  let waiting: PromiseWithResolvers<Item>[] = []
  let stopped: Promise<unknown> | undefined

  const pull = async (readers: readonly PromiseWithResolvers<Item>[]): Promise<void> => {
    try {
      const item = await source.next()
      // A chunk with memory of its own for each, since it may do with it what it likes, and gives the memory back when it is done.
      for (const [i, reader] of readers.entries())
        reader.resolve(item.done === true || i === 0 ? item : { done: false, value: Buffer.copyBytesFrom(item.value) })
    } catch (error) {
      for (const reader of readers) reader.reject(error)
    }
  }

  const next = (): Promise<Item> => {
    const mine = Promise.withResolvers<Item>()
    waiting.push(mine)
    if (waiting.length === count) {
      const all = waiting
      waiting = []
      void pull(all)
    }
    return mine.promise
  }

  const stop = async (): Promise<Item> => {
    stopped ??= Promise.resolve(source.return?.())
    await stopped
    return { done: true, value: undefined }
  }

  return { [Symbol.asyncIterator]: () => ({ next, return: stop }) }
}

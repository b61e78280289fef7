import { describe, expect, it } from 'vitest'
import { concurrently } from '../src/concurrently.ts'
import { intoPages, oneAhead } from '../src/push/page.ts'

async function* countTo(n: number, taken: number[] = []) {
  for (let i = 1; i <= n; i++) {
    taken.push(i)
    yield i
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

describe('pages', () => {
  it('end at the number of items or at the weight, whichever comes first', async () => {
    expect(await collect(intoPages(countTo(5), { files: 2, bytes: 100 }, () => 1))).toEqual([[1, 2], [3, 4], [5]])
    expect(await collect(intoPages(countTo(5), { files: 9, bytes: 6 }, n => n))).toEqual([[1, 2, 3], [4], [5]])
  })

  it('hold an item that is too heavy for any page by itself', async () => {
    expect(await collect(intoPages(countTo(3), { files: 9, bytes: 0 }, n => n))).toEqual([[1], [2], [3]])
  })

  it('are made one ahead of their consumer, not more', async () => {
    const taken: number[] = []
    const pages = oneAhead(countTo(10, taken))
    await pages.next()
    await new Promise(resolve => setImmediate(resolve))
    expect(taken).toEqual([1, 2])
    await pages.return()
  })

  it('pass a failure on when the page that failed is asked for', async () => {
    async function* failing() {
      yield 1
      throw new Error('no more')
    }
    const pages = oneAhead(failing())
    expect((await pages.next()).value).toBe(1)
    await expect(pages.next()).rejects.toThrow('no more')
  })
})

describe('working concurrently', () => {
  it('never has more in hand than the limit, and does everything', async () => {
    let inHand = 0
    let most = 0
    const done: number[] = []
    await concurrently(countTo(20), 3, async n => {
      most = Math.max(most, ++inHand)
      await new Promise(resolve => setImmediate(resolve))
      inHand--
      done.push(n)
    })
    expect(most).toBe(3)
    expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })

  it('throws the first failure once the others have ended, and takes nothing more', async () => {
    const taken: number[] = []
    let ended = 0
    const work = async (n: number, signal: AbortSignal) => {
      if (n === 4) throw new Error('four')
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
      ended++
    }
    await expect(concurrently(countTo(100, taken), 4, work)).rejects.toThrow('four')
    expect(ended).toBe(3)
    expect(taken).toEqual([1, 2, 3, 4])
  })

  it('throws the reason of its signal', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const work = async (n: number) => {
      if (n === 3) stop.abort(reason)
    }
    await expect(concurrently(countTo(100), 1, work, stop.signal)).rejects.toBe(reason)
  })
})

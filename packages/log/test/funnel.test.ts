import { createFunnel } from '@artifact-store/log'
import { describe, expect, it } from 'vitest'

/** A funnel whose batches wait until they are let go, so that a test decides what is in flight. */
function heldFunnel(
  options: {
    maxWeight?: number
    leastShare?: number
    maxWaiting?: number
    guard?: (underWay: readonly string[]) => { admit(item: string): boolean }
  } = {},
) {
  const batches: string[][] = []
  const held: (() => void)[] = []
  const funnel = createFunnel<string, string>({
    maxWeight: 100,
    maxWaiting: 100,
    weigh: item => item.length,
    ...options,
    run: async batch => {
      batches.push([...batch])
      await new Promise<void>(resolve => held.push(resolve))
      return batch.map(item => (item.startsWith('bad') ? new Error(item) : `done ${item}`))
    },
  })
  return { funnel, batches, letGo: () => held.shift()?.() }
}

/** Lets the event loop turn, after which what was submitted is in flight. */
const turn = () => new Promise(resolve => setImmediate(resolve))

describe('a funnel', () => {
  it('sends what comes in one turn of the event loop together, and whatever comes meanwhile as the next batch, in order', async () => {
    const { funnel, batches, letGo } = heldFunnel()
    const answers = ['a', 'b'].map(item => funnel.submit(item))
    await turn()
    expect(batches).toEqual([['a', 'b']])
    answers.push(...['c', 'd'].map(item => funnel.submit(item)))
    await turn()
    expect(funnel.waiting).toBe(2)
    letGo()
    expect(await answers[0]).toBe('done a')
    await turn()
    expect(batches).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
    letGo()
    expect(await Promise.all(answers)).toEqual(['done a', 'done b', 'done c', 'done d'])
    await funnel.drained()
    expect(funnel.waiting).toBe(0)
  })

  it('lets callers who were answered together share the next batch', async () => {
    const batches: number[] = []
    const funnel = createFunnel<number, number>({
      maxWeight: 100,
      maxWaiting: 100,
      run: async batch => {
        batches.push(batch.length)
        return [...batch]
      },
    })
    const caller = async () => {
      for (let i = 0; i < 3; i++) await funnel.submit(i)
    }
    await Promise.all(Array.from({ length: 10 }, caller))
    expect(batches).toEqual([10, 10, 10])
  })

  it('lets two halves of the callers take turns, so that one makes its next items while the other is at work', async () => {
    const batches: number[] = []
    let making = 0
    const madeMeanwhile: number[] = []
    const funnel = createFunnel<number, number>({
      maxWeight: 100,
      leastShare: 4,
      maxWaiting: 100,
      run: async batch => {
        batches.push(batch.length)
        const before = making
        for (let i = 0; i < 3; i++) await turn()
        madeMeanwhile.push(making - before)
        return [...batch]
      },
    })
    const caller = async () => {
      for (let i = 0; i < 4; i++) {
        making += 1
        await funnel.submit(i)
      }
    }
    await Promise.all(Array.from({ length: 20 }, caller))
    expect(batches).toEqual([10, 10, 10, 10, 10, 10, 10, 10])
    expect(madeMeanwhile.slice(0, 6)).toEqual([0, 10, 10, 10, 10, 10])
  })

  it('sends the second half while the first is at work, and a third when as many are here again', async () => {
    const { funnel, batches, letGo } = heldFunnel({ leastShare: 2 })
    const answers = ['a', 'b', 'c', 'd', 'e', 'f'].map(item => funnel.submit(item))
    await turn()
    expect(batches).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e', 'f'],
    ])
    answers.push(funnel.submit('g'))
    letGo()
    await answers[0]
    await turn()
    // Of three at work, one has come: too few to go before those are answered.
    expect(batches.length).toBe(2)
    answers.push(...['h', 'i'].map(item => funnel.submit(item)))
    await turn()
    expect(batches.slice(2)).toEqual([['g', 'h', 'i']])
    letGo()
    letGo()
    expect(await Promise.all(answers)).toEqual([...'abcdefghi'].map(item => `done ${item}`))
  })

  it('goes on with however few are here when nothing is at work', async () => {
    const { funnel, batches, letGo } = heldFunnel({ leastShare: 2 })
    const answers = ['a', 'b', 'c'].map(item => funnel.submit(item))
    await turn()
    letGo()
    await answers[0]
    await turn()
    answers.push(funnel.submit('d'))
    for (let i = 0; i < 3; i++) {
      await turn()
      letGo()
    }
    await Promise.all(answers)
    expect(batches).toEqual([['a', 'b'], ['c'], ['d']])
  })

  it('lets nothing overtake what is under way where the guard says so, and lets others by', async () => {
    const guard = (underWay: readonly string[]) => ({
      admit: (item: string) => underWay.every(other => other.charAt(0) !== item.charAt(0)),
    })
    const { funnel, batches, letGo } = heldFunnel({ leastShare: 2, guard })
    const answers = ['a1', 'b1', 'a2', 'b2', 'c1'].map(item => funnel.submit(item))
    await turn()
    expect(batches).toEqual([['a1', 'b1'], ['c1']])
    letGo()
    await answers[0]
    await turn()
    expect(batches.slice(2)).toEqual([['a2', 'b2']])
    letGo()
    letGo()
    await Promise.all(answers)
  })

  it('sends so few together that halves would not pay', async () => {
    const { funnel, batches, letGo } = heldFunnel({ leastShare: 4 })
    const answers = ['a', 'b', 'c', 'd'].map(item => funnel.submit(item))
    await turn()
    letGo()
    await Promise.all(answers)
    expect(batches).toEqual([['a', 'b', 'c', 'd']])
  })

  it('stops a batch before what would make it too heavy, and lets nothing lighter slip past', async () => {
    const { funnel, batches, letGo } = heldFunnel({ maxWeight: 5 })
    const answers = ['x', 'aaa', 'bbb', 'c', 'heavier than all', 'd'].map(item => funnel.submit(item))
    for (let i = 0; i < 4; i++) {
      await turn()
      letGo()
      await turn()
    }
    await Promise.all(answers)
    expect(batches).toEqual([['x', 'aaa'], ['bbb', 'c'], ['heavier than all'], ['d']])
  })

  it('keeps what the guard refuses for a later batch, in front', async () => {
    const guard = () => {
      const seen = new Set<string>()
      return { admit: (item: string) => seen.size < seen.add(item.charAt(0)).size }
    }
    const { funnel, batches, letGo } = heldFunnel({ guard })
    const answers = ['a1', 'b1', 'b2', 'c1', 'b3', 'c2'].map(item => funnel.submit(item))
    for (let i = 0; i < 3; i++) {
      await turn()
      letGo()
      await turn()
    }
    await Promise.all(answers)
    expect(batches).toEqual([['a1', 'b1', 'c1'], ['b2', 'c2'], ['b3']])
  })

  it('gives each item its own answer or error', async () => {
    const { funnel, letGo } = heldFunnel()
    const [first, bad, good] = ['first', 'bad', 'good'].map(item => funnel.submit(item))
    await turn()
    letGo()
    await first
    await expect(bad).rejects.toThrow('bad')
    expect(await good).toBe('done good')
  })

  it('fails a whole batch with what running it threw, and goes on with the next', async () => {
    const funnel = createFunnel<number, number>({
      maxWeight: 10,
      maxWaiting: 10,
      run: batch => (batch.includes(1) ? Promise.reject(new Error('the server is away')) : Promise.resolve([...batch])),
    })
    await expect(funnel.submit(1)).rejects.toThrow('the server is away')
    expect(await funnel.submit(2)).toBe(2)
  })

  it('pushes back when too many wait', async () => {
    const { funnel, letGo } = heldFunnel({ maxWaiting: 2 })
    const taken = [funnel.submit('in flight')]
    await turn()
    taken.push(...['waits', 'waits too'].map(item => funnel.submit(item)))
    await expect(funnel.submit('one too many')).rejects.toMatchObject({ kind: 'overloaded' })
    letGo()
    await taken[0]
    await turn()
    letGo()
    await Promise.all(taken)
  })

  it('takes an aborted item out while it waits', async () => {
    const { funnel, batches, letGo } = heldFunnel()
    const abort = new AbortController()
    const flying = funnel.submit('a')
    await turn()
    const waiting = funnel.submit('b', { signal: abort.signal })
    abort.abort(new Error('no longer wanted'))
    await expect(waiting).rejects.toThrow('no longer wanted')
    await expect(funnel.submit('c', { signal: abort.signal })).rejects.toThrow('no longer wanted')
    letGo()
    await flying
    await funnel.drained()
    expect(batches).toEqual([['a']])
  })

  it('gives up the answer of an aborted item that is in flight', async () => {
    const { funnel, batches, letGo } = heldFunnel()
    const abort = new AbortController()
    const flying = funnel.submit('a', { signal: abort.signal })
    await turn()
    abort.abort(new Error('too slow'))
    await expect(flying).rejects.toThrow('too slow')
    letGo()
    await funnel.drained()
    expect(batches).toEqual([['a']])
  })
})

import { describe, expect, it } from 'vitest'
import { createDispatcher, type DispatcherOptions } from '../src/remote/dispatcher.ts'

interface Thing {
  readonly name: string
  readonly on: readonly string[]
}

const thing = (name: string, ...on: string[]): Thing => ({ name, on })

/** A dispatcher whose batches wait until they are let go, by their place in the order of sending. */
function heldDispatcher(options: Partial<DispatcherOptions<Thing, string>> = {}) {
  const batches: string[][] = []
  const held: PromiseWithResolvers<void>[] = []
  const dispatcher = createDispatcher<Thing, string>({
    touches: ({ on }) => on,
    weigh: () => 1,
    maxWeight: 100,
    maxItems: 100,
    maxInFlight: 2,
    maxWaiting: 100,
    maxWaitingWeight: 100,
    send: async batch => {
      const gate = Promise.withResolvers<void>()
      batches.push(batch.map(({ item }) => item.name))
      held.push(gate)
      await gate.promise
      for (const one of batch) one.resolve(`done ${one.item.name}`)
    },
    ...options,
  })
  return {
    submit: (one: Thing, signal?: AbortSignal) => dispatcher.submit(one, { signal }),
    batches,
    async letGo(batch: number) {
      held[batch]?.resolve()
      await turn()
    },
    fail: (batch: number, why: Error) => held[batch]?.reject(why),
  }
}

// What was submitted in this turn has been sent after it.
const turn = () => new Promise<void>(resolve => setImmediate(() => setImmediate(resolve)))

describe('a dispatcher', () => {
  it('sends together what comes together, and a few batches at once', async () => {
    const { submit, batches, letGo } = heldDispatcher()
    const first = [submit(thing('a')), submit(thing('b'))]
    await turn()
    void submit(thing('c'))
    await turn()
    const waiting = [submit(thing('d')), submit(thing('e'))]
    await turn()
    expect(batches).toEqual([['a', 'b'], ['c']])
    await letGo(0)
    expect(await Promise.all(first)).toEqual(['done a', 'done b'])
    expect(batches).toEqual([['a', 'b'], ['c'], ['d', 'e']])
    await letGo(2)
    expect(await Promise.all(waiting)).toEqual(['done d', 'done e'])
  })

  it('lets nothing overtake what touches the same, neither on the way nor in the queue', async () => {
    const { submit, batches, letGo } = heldDispatcher({ maxInFlight: 3 })
    void submit(thing('a1', 'a'))
    await turn()
    // a2 waits for a1; ab touches what a2 does and waits behind it; b2 waits behind ab; c waits for nobody.
    for (const one of [thing('a2', 'a'), thing('ab', 'a', 'b'), thing('b2', 'b'), thing('c', 'c')]) void submit(one)
    await turn()
    expect(batches).toEqual([['a1'], ['c']])
    await letGo(0)
    expect(batches).toEqual([['a1'], ['c'], ['a2', 'ab', 'b2']])
  })

  it('stops a batch at its weight and at its number of items', async () => {
    const { submit, batches, letGo } = heldDispatcher({
      weigh: ({ name }) => name.length,
      maxWeight: 4,
      maxItems: 3,
      maxInFlight: 1,
    })
    for (const name of ['a', 'b', 'c', 'd', 'long', 'longer', 'e', 'ff', 'gg']) void submit(thing(name))
    await turn()
    for (let sent = 0; sent < 6; sent++) await letGo(sent)
    expect(batches).toEqual([['a', 'b', 'c'], ['d'], ['long'], ['longer'], ['e', 'ff'], ['gg']])
  })

  it('pushes back when too many wait', async () => {
    const { submit, letGo } = heldDispatcher({ maxWaiting: 2, maxInFlight: 1 })
    void submit(thing('a'))
    await turn()
    const kept = [submit(thing('b')), submit(thing('c'))]
    await expect(submit(thing('d'))).rejects.toMatchObject({ kind: 'overloaded', details: { waiting: 2 } })
    await letGo(0)
    await letGo(1)
    expect(await Promise.all(kept)).toEqual(['done b', 'done c'])
  })

  it('pushes back when too much waits, by weight, but takes anything when nothing waits', async () => {
    const { submit, letGo } = heldDispatcher({ weigh: ({ name }) => name.length, maxWaitingWeight: 3, maxInFlight: 1 })
    const first = submit(thing('larger than all'))
    await turn()
    const kept = [submit(thing('aa')), submit(thing('b'))]
    await expect(submit(thing('c'))).rejects.toMatchObject({ kind: 'overloaded' })
    for (let sent = 0; sent < 2; sent++) await letGo(sent)
    expect(await Promise.all([first, ...kept])).toEqual(['done larger than all', 'done aa', 'done b'])
    const next = submit(thing('d'))
    await turn()
    await letGo(2)
    expect(await next).toBe('done d')
  })

  it('leaves out what was aborted while it waited, and gives its place to others', async () => {
    const { submit, batches, letGo } = heldDispatcher({ maxWaiting: 1, maxInFlight: 1 })
    const leaving = new AbortController()
    void submit(thing('a'))
    await turn()
    const gone = submit(thing('b'), leaving.signal)
    leaving.abort(new Error('enough'))
    await expect(gone).rejects.toThrow('enough')
    const kept = submit(thing('c'))
    await expect(submit(thing('d'), AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
    await letGo(0)
    await letGo(1)
    expect(await kept).toBe('done c')
    expect(batches).toEqual([['a'], ['c']])
  })

  it('gives up only the answer of what was aborted on its way: what touches the same still waits for it', async () => {
    const { submit, batches, letGo } = heldDispatcher()
    const leaving = new AbortController()
    const gone = submit(thing('a1', 'a'), leaving.signal)
    await turn()
    leaving.abort(new Error('enough'))
    await expect(gone).rejects.toThrow('enough')
    void submit(thing('a2', 'a'))
    await turn()
    expect(batches).toEqual([['a1']])
    await letGo(0)
    expect(batches).toEqual([['a1'], ['a2']])
  })

  it('fails a batch with what sending it threw, and goes on with the next', async () => {
    const { submit, letGo, fail } = heldDispatcher({ maxInFlight: 1 })
    const failing = submit(thing('a'))
    await turn()
    const next = submit(thing('b'))
    fail(0, new Error('the cable is cut'))
    await expect(failing).rejects.toThrow('the cable is cut')
    await turn()
    await letGo(1)
    expect(await next).toBe('done b')
  })

  it('leaves nobody without an answer', async () => {
    const dispatcher = createDispatcher<Thing, string>({
      ...{ touches: () => [], weigh: () => 1, maxWeight: 9, maxItems: 9, maxInFlight: 1, maxWaiting: 9, maxWaitingWeight: 9 },
      send: async ([first]) => first?.resolve('only the first'),
    })
    const [first, second] = [dispatcher.submit(thing('a')), dispatcher.submit(thing('b'))]
    expect(await first).toBe('only the first')
    await expect(second).rejects.toMatchObject({ kind: 'internal' })
  })
})

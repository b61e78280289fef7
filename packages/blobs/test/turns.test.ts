import { expect, it } from 'vitest'
import { Turns } from '../src/blocks/turns.ts'

it('lets so many go on at once, and the others in the order of their coming', async () => {
  const turns = new Turns(2, 60_000)
  const went: number[] = []
  const taken = Array.from({ length: 5 }, async (_, i) => {
    const turn = await turns.take()
    went.push(i)
    return turn
  })
  const [first, second, third] = taken
  await Promise.all([first, second])
  expect(went).toEqual([0, 1])
  const ended = await second
  ended?.[Symbol.dispose]()
  await third
  expect(went).toEqual([0, 1, 2])
  // A turn ends once, however often that is said.
  ended?.[Symbol.dispose]()
  await new Promise(resolve => setImmediate(resolve))
  expect(went).toEqual([0, 1, 2])
  for (const turn of taken) (await turn)[Symbol.dispose]()
  expect(went).toEqual([0, 1, 2, 3, 4])
})

it('waits for nobody whose turn takes too long', async () => {
  const turns = new Turns(1, 500)
  const first = await turns.take()
  const second = await turns.take()
  // The first is over; that it is disposed of as well is not the end of another.
  first[Symbol.dispose]()
  let went = false
  const third = turns.take().then(turn => {
    went = true
    return turn
  })
  await new Promise(resolve => setImmediate(resolve))
  expect(went).toBe(false)
  second[Symbol.dispose]()
  ;(await third)[Symbol.dispose]()
  expect(went).toBe(true)
})

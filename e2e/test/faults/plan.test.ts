import { expect, it } from 'vitest'
import { allFaults, chooseFaults } from '../../src/faults/kinds/catalogue.ts'
import { makePlan } from '../../src/faults/plan.ts'
import { pairs } from '../../src/faults/world/pairs.ts'

/** A plan without the dice, which show what they show when they are thrown. */
function told(seed: number, only?: string) {
  const { faults, ...plan } = makePlan(seed, 5, chooseFaults(only))
  return { ...plan, faults: faults.map(({ fault, at, lasts, dice }) => ({ fault: fault.name, at, lasts, throws: dice.hex(8) })) }
}

it('plans the same for the same seed, and something else for another', () => {
  const plans = Array.from({ length: 20 }, (_, seed) => JSON.stringify(told(seed)))
  expect(Array.from({ length: 20 }, (_, seed) => JSON.stringify(told(seed)))).toEqual(plans)
  expect(new Set(plans).size).toBe(20)
})

it('comes to every fault in as many runs as there are faults', () => {
  const planned = Array.from({ length: allFaults.length }, (_, seed) => told(1000 + seed).faults.map(({ fault }) => fault))
  expect(new Set(planned.flat())).toEqual(new Set(allFaults.map(({ name }) => name)))
})

it('breaks the network between each pair that talks, in each of its ways', () => {
  for (const kind of ['cut', 'slow', 'stall', 'half-open', 'dead', 'tear'])
    expect(chooseFaults(kind).map(({ name }) => name)).toEqual(pairs.map(pair => `${kind}:${pair}`))
})

it('keeps to the faults that are asked for', () => {
  const names = new Set(told(1, 'kill,cut:gateway-postgres').faults.map(({ fault }) => fault))
  for (const name of names) expect(name).toMatch(/^(kill:.*|cut:gateway-postgres)$/)
  expect(() => chooseFaults('kil')).toThrow('there is no fault "kil"; there are kill:gateway')
})

import type { Dice } from '../dice.ts'
import type { Link } from '../world/link.ts'
import { type Pair, pairs } from '../world/pairs.ts'
import type { Direction, Impairment } from '../world/passage.ts'
import type { Fault } from './fault.ts'

const directions: readonly Direction[] = ['requests', 'answers']

/** What a network does to the links of a pair. */
const kinds: Readonly<Record<string, (link: Link, dice: Dice) => () => void>> = {
  /** All connections break, and no new one comes about for a while. */
  cut(link, dice) {
    const heal = link.impair({ kind: 'refuse' })
    link.cut(dice.oneOf(['reset', 'close']))
    return heal
  },
  /** The network slows down to that of a bad modem. */
  slow: (link, dice) =>
    link.impair({ kind: 'slow', delayMs: dice.between(5, 200), bytesPerSecond: dice.oneOf([20_000, 200_000, 2_000_000]) }),
  /** Nothing gets through and nobody is told. Afterwards it flows again, or the connections turn out to be dead. */
  stall: (link, dice) => silent(link, { kind: 'stall', directions }, dice),
  /** The one side hears, the other does not: requests are carried out whose answers never come. */
  'half-open': (link, dice) => silent(link, { kind: 'stall', directions: [dice.oneOf(directions)] }, dice),
  /** The connections that are there fall silent for good, as behind a firewall that forgot them; new ones work. */
  dead(link) {
    link.abandon(serverToldMs)
    return () => {}
  },
  /** The next connection breaks in the middle of a message. */
  tear(link, dice) {
    for (let count = dice.between(1, 3); count > 0; count -= 1)
      link.tear(dice.oneOf(directions), dice.oneOf([1, 100, 3_000, 50_000]))
    return () => {}
  },
}

/** When a server takes a silent client for gone: with the keepalives that our sessions which hold locks ask PostgreSQL for. */
const serverToldMs = 12_000

function silent(link: Link, impairment: Impairment, dice: Dice): () => void {
  const heal = link.impair(impairment)
  const dead = dice.chance(0.5)
  return () => {
    if (dead) link.cut('reset')
    heal()
  }
}

export const networkFaults: readonly Fault[] = Object.entries(kinds).flatMap(([kind, impair]) =>
  pairs.map((pair): Fault => faultOf(kind, impair, pair)),
)

function faultOf(kind: string, impair: (link: Link, dice: Dice) => () => void, pair: Pair): Fault {
  return {
    name: `${kind}:${pair}`,
    weight: 0.7,
    async inject(world, dice) {
      const links = world.linksOf(pair)
      const chosen = dice.chance(0.3) ? links : [dice.oneOf(links)]
      const heals = chosen.map(link => impair(link, dice))
      world.note(`${kind}: ${chosen.map(({ name }) => name).join(', ')}`)
      return () => {
        for (const heal of heals) heal()
      }
    },
  }
}

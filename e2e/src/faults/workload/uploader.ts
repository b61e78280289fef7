import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../dice.ts'
import type { GatewayAnswer, GatewayRequest } from '../history.ts'
import { contentOf } from './content.ts'
import { callGateway, gatewayClient } from './gateway-call.ts'
import { watchExchanges } from './http-exchanges.ts'
import type { Client } from './load.ts'

/** Pushes small packages through the SDK, one after the other: creates, stores files, some twice, and finalizes or gives up. */
export const uploader: Client = async (load, name, dice) => {
  using watch = watchExchanges()
  using client = gatewayClient(dice.oneOf(load.world.gatewayUrls))
  for (let number = 1; !load.over.aborted; number += 1) {
    const id = await create(`${name}-${number}`)
    if (id) await fill(id)
    await sleep(dice.between(1, 50))
  }

  async function create(key: string): Promise<string | undefined> {
    const input = { name: 'faults/uploaded', kind: 'evidence', labels: { from: name } }
    const answer = await askPatiently({ does: 'create', key }, async () => {
      const made = await client.packages.create(input, { idempotencyKey: key })
      return { outcome: 'created', id: made.id }
    })
    return answer.outcome === 'created' ? answer.id : undefined
  }

  async function fill(id: string): Promise<void> {
    const contents = Array.from({ length: dice.between(0, 6) }, (_, index) => ({
      path: `dir-${index % 2}/file ${index}.bin`,
      ...contentOf(dice),
    }))
    const again = contents.filter(() => dice.chance(0.2))
    const others = contents.filter(() => dice.chance(0.1)).map(({ path }) => ({ path, ...contentOf(dice) }))
    await concurrently(shuffled([...contents, ...again, ...others], dice), 3, async ({ path, body, digest, given }) => {
      await askPatiently({ does: 'put', id, path, digest }, async () => {
        await client.files.put(id, path, given ? { body, digest } : { body })
        return { outcome: 'stored' }
      })
    })
    if (dice.chance(0.1)) return
    const finalizing = dice.chance(0.9)
    for (let times = dice.chance(0.3) ? 2 : 1; times > 0; times -= 1) {
      if (finalizing) {
        await askPatiently({ does: 'finalize', id }, async () => {
          const { manifestDigest, fileCount } = await client.packages.finalize(id)
          return { outcome: 'finalized', manifestDigest, fileCount }
        })
      } else {
        await askPatiently({ does: 'discard', id }, async () => {
          await client.packages.discard(id)
          return { outcome: 'discarded' }
        })
      }
    }
  }

  /** The same call again, as long as nobody knows what became of it. */
  async function askPatiently(call: GatewayRequest, work: () => Promise<GatewayAnswer>): Promise<GatewayAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await ask(call, work)
      if (answer.outcome !== 'unknown' || attempt === 5 || load.over.aborted) return answer
      await sleep(dice.between(10, 300))
    }
  }

  async function ask(call: GatewayRequest, work: () => Promise<GatewayAnswer>): Promise<GatewayAnswer> {
    const { answer, position } = await callGateway(load.history, name, watch, call, work)
    const id = answer.outcome === 'created' ? answer.id : 'id' in call ? call.id : undefined
    if (id !== undefined && position > 0) load.subjects.heardOf(id, position)
    return answer
  }
}

async function concurrently<T>(items: readonly T[], workers: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
    }),
  )
}

function shuffled<T>(items: readonly T[], dice: Dice): T[] {
  return items
    .map(item => ({ item, place: dice.below(1_000_000) }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { seenEvent } from '../../seen-event.ts'
import type { PageRead, ShownPackage } from '../history.ts'
import { adminToken } from '../world/world.ts'
import { type Client, type Load, now } from './load.ts'

/** Asks for packages that others have written, from any gateway, and names the position at which they heard of them. */
export const packageReader: Client = async (load, name, dice) => {
  while (!load.over.aborted) {
    await sleep(dice.between(5, 60))
    if (load.subjects.packages.length === 0) continue
    const { id, position: minPosition } = dice.oneOf(load.subjects.packages)
    const asked = now()
    const answer = await get(dice.oneOf(load.world.gatewayUrls), `/v1/packages/${id}`, {
      'artifact-min-position': String(minPosition),
    })
    if (answer?.status !== 200 && answer?.status !== 404) continue
    const shown: ShownPackage | undefined = answer.status === 404 ? undefined : packageSchema.parse(answer.body)
    load.history.packageReads.push({ client: name, id, minPosition, shown, asked, answered: now() })
  }
}

/** Reads pages of the log: at random places and with filters, and one after the other. */
export const pageReader: Client = async (load, name, dice) => {
  let cursor = 0
  while (!load.over.aborted) {
    await sleep(dice.between(5, 80))
    const following = dice.chance(0.6)
    const after = following ? cursor : dice.below(cursor + 1)
    const limit = dice.oneOf([1, 10, 100])
    const known = load.subjects.packages
    const filter = following
      ? {}
      : dice.oneOf<PageRead['filter']>([
          {},
          { type: 'v1.package.created' },
          { type: 'v1.ledger.noted' },
          known.length > 0 ? { subject: `package/${dice.oneOf(known).id}` } : {},
        ])
    const query = new URLSearchParams({ after: String(after), limit: String(limit), ...filter })
    const asked = now()
    const answer = await get(dice.oneOf(load.world.gatewayUrls), `/v1/events?${query}`, {
      accept: 'application/cloudevents-batch+json',
    })
    if (answer?.status !== 200) continue
    const events = z.array(z.unknown()).parse(answer.body).map(seenEvent).map(load.imprint)
    const { position, atEnd } = answer
    load.history.pageReads.push({ client: name, after, limit, filter, position, atEnd, events, asked, answered: now() })
    if (following) cursor = position
  }
}

/** Reads the whole log through one gateway, which has to answer. */
export async function readPages(load: Load, name: string, url: string): Promise<void> {
  const limit = 100
  for (let after = 0; ; ) {
    const asked = now()
    const answer = await get(url, `/v1/events?after=${after}&limit=${limit}`, { accept: 'application/cloudevents-batch+json' })
    if (answer?.status !== 200)
      throw new Error(`${name} was answered ${answer?.status ?? 'nothing'}: ${JSON.stringify(answer?.body)}`)
    const events = z.array(z.unknown()).parse(answer.body).map(seenEvent).map(load.imprint)
    const { position, atEnd } = answer
    load.history.pageReads.push({ client: name, after, limit, filter: {}, position, atEnd, events, asked, answered: now() })
    if (atEnd) return
    after = position
  }
}

const packageSchema = z.looseObject({ revision: z.int(), state: z.string(), fileCount: z.int() })

/** Undefined when there was no answer, or only half of one. */
async function get(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number; position: number; atEnd: boolean; body: unknown } | undefined> {
  try {
    const answer = await fetch(`${url}${path}`, {
      headers: { ...headers, authorization: `Bearer ${adminToken}` },
      signal: AbortSignal.timeout(3000),
    })
    return {
      status: answer.status,
      position: Number(answer.headers.get('artifact-position')),
      atEnd: !answer.headers.has('link'),
      body: JSON.parse(await answer.text()),
    }
  } catch {
    return undefined
  }
}

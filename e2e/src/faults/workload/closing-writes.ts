import { randomUUID } from 'node:crypto'
import { blake3 } from '@artifact-store/core'
import { appendActor } from '../check/appends-are-kept.ts'
import { callAppend, openLogWriters } from './append-call.ts'
import { callGateway, gatewayClient } from './gateway-call.ts'
import { watchExchanges } from './http-exchanges.ts'
import type { Load } from './load.ts'

/**
 * When all is healed: writes once more in every way that there is, and asks for old appends again, at the other log-writer than whichever
 * it was. @returns what does not work yet, if anything.
 */
export async function closingWrites(load: Load): Promise<string | undefined> {
  const { world, history, kept } = load
  for (const url of world.logWriterUrls) {
    const key = `closing-${randomUUID()}`
    const payloadJson = '{"text":"the end"}'
    const event = {
      eventType: 'v1.ledger.noted',
      subjectKind: 'ledger',
      subjectId: 'closing',
      actor: `${appendActor}${key}#0`,
      payloadJson,
      payloadDigest: blake3(payloadJson),
    }
    await using port = openLogWriters([url])
    const { outcome } = await callAppend(history, 'closing', port, { key, conditions: [], events: [event] })
    if (outcome !== 'appended') return `an append through ${url} is answered ${outcome}`
    for (const append of kept) await callAppend(history, 'closing', port, append)
  }
  using watch = watchExchanges()
  for (const url of world.gatewayUrls) {
    using client = gatewayClient(url)
    const key = `closing-${randomUUID()}`
    const { answer } = await callGateway(history, 'closing', watch, { does: 'create', key }, async () => {
      const made = await client.packages.create({ name: 'faults/closing', kind: 'evidence' }, { idempotencyKey: key })
      return { outcome: 'created', id: made.id }
    })
    if (answer.outcome !== 'created') return `a package cannot be created through ${url}: ${JSON.stringify(answer)}`
  }
  return undefined
}

import { defaultStreamName, openPostgresLog, postgresLogReader } from '@artifact-store/log'
import { createTestDatabase } from '@artifact-store/testkit'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { comets } from './comets.ts'
import { publishCopies, streamConfig } from './nats-copy.ts'
import { record } from './recorder.ts'
import { expectTheLog, head, type StoreWithNats, startStoreWithNats, wholeLog } from './store-with-nats.ts'

let store: StoreWithNats
beforeAll(async () => {
  // Nobody relays: what is in the stream is what a test puts there.
  store = await startStoreWithNats({ relay: false, prepare: manager => manager.streams.add(streamConfig()) })
})
beforeEach(() =>
  store.askNats(async manager => {
    // A test may have removed it.
    await manager.streams.delete(defaultStreamName).catch(() => false)
    await manager.streams.add(streamConfig())
  }),
)
afterAll(() => store[Symbol.asyncDispose]())

it('a stream that is not there is done without, and missed aloud', async () => {
  await store.askNats(manager => manager.streams.delete(defaultStreamName))
  using client = store.client()
  await using recorder = record(onSource => client.events.subscribe({ nats: { url: store.natsUrl }, onSource }))
  await expect.poll(() => recorder.notices.at(1)?.error?.message).toContain('stream not found')
  await store.append(...comets(1))
  await expectTheLog(store, await recorder.upTo(await head(store)))
  await store.askNats(manager => manager.streams.add(streamConfig()))
  await publishCopies(store, await wholeLog(store))
  await recorder.source('nats')
})

it('a stream that is not a copy of this log is not joined', async () => {
  await store.append(...comets(5))
  await publishCopies(store, await wholeLog(store), event => ({
    headers: { 'ce-time': new Date(event.createdAt.getTime() + 1).toISOString() },
  }))
  using client = store.client()
  await using recorder = record(onSource => client.events.subscribe({ nats: { url: store.natsUrl }, onSource }))
  await expect.poll(() => recorder.notices.at(1)?.error?.message).toMatch(/hold different events under number \d+/)
  await store.append(...comets(2))
  await expectTheLog(store, await recorder.upTo(await head(store)))
  expect(recorder.notices.map(({ source }) => source)).not.toContain('nats')
})

it.each([
  ['a payload that was changed', { body: '{"text":"another"}' }, 'digest-mismatch'],
  ['a payload that is no JSON', { body: 'x' }, 'digest-mismatch'],
  ['a message that is no event', { headers: { 'ce-id': '' } }, 'internal'],
  ['an event of another number', { headers: { 'ce-id': '1', 'ce-sequence': '1' } }, 'internal'],
  ['an event that lies elsewhere and is another', { headers: { 'ce-dataref': '/x', 'ce-actor': 'y' } }, 'backend-unavailable'],
])('%s comes from the log, and everything else from the stream', async (_, change, kind) => {
  const before = await wholeLog(store)
  await publishCopies(store, before)
  using client = store.client()
  await using recorder = record(onSource => client.events.subscribe({ nats: { url: store.natsUrl }, onSource }))
  await recorder.source('nats')
  await store.append(...comets(3))
  const [first, second, third] = (await wholeLog(store)).slice(before.length)
  if (!first || !second || !third) throw new Error('there should be three')
  await publishCopies(store, [first, second, third], event => (event === second ? change : {}))
  await recorder.source('nats', (await recorder.source('gateway', 1)) + 1)
  await expectTheLog(store, await recorder.upTo(third.sequence))
  expect(recorder.notices[2]).toMatchObject({ source: 'gateway', after: first.sequence, error: { kind } })
})

it.each(['the stream is silent', 'it is left'])('what the stream alone has is noticed when %s', async when => {
  const log = await wholeLog(store)
  await publishCopies(store, log)
  using client = store.client()
  const after = log.length
  await using recorder = record(onSource =>
    client.events.subscribe({ after, nats: { url: store.natsUrl, quietMs: when === 'it is left' ? 60_000 : 1000 }, onSource }),
  )
  await recorder.source('nats')
  // Another history goes on: true by itself, and not this one.
  await using other = await createTestDatabase()
  const otherLog = openPostgresLog(other.poolFor('log_writer'))
  for (const [i, event] of comets(after + 1).entries()) await otherLog.append({ key: `${i}`, conditions: [], events: [event] })
  await publishCopies(store, await postgresLogReader(other.pool).fetchSince(after, 1))
  await expect.poll(() => recorder.events.length).toBe(1)
  await store.append(...comets(2))
  if (when === 'it is left') await store.askNats(manager => manager.streams.delete(defaultStreamName))
  await expect(recorder.upTo(after + 2)).rejects.toMatchObject({ kind: 'stream-forked', details: { sequence: after + 1 } })
})

it('a position that the log has not reached is refused', async () => {
  using client = store.client()
  const after = (await head(store)) + 1
  const events = client.events.subscribe({ after, nats: { url: store.natsUrl } })
  await expect(events.next()).rejects.toMatchObject({
    kind: 'invalid-request',
    message: expect.stringContaining(`the log ends at ${after - 1}`),
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { defaultStreamName } from '@artifact-store/log'
import { randomHistory } from '@artifact-store/testkit'
import { connect } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { comet, comets } from './comets.ts'
import { streamConfig } from './nats-copy.ts'
import { record } from './recorder.ts'
import { expectTheLog, head, type StoreWithNats, startStoreWithNats, wholeLog } from './store-with-nats.ts'

const largestMessage = 16 * 1024

describe('a subscription over NATS', () => {
  let store: StoreWithNats
  beforeAll(async () => {
    store = await startStoreWithNats({ maxPayload: largestMessage })
    await store.append(...randomHistory({ seed: 5, length: 500 }))
  })
  afterAll(() => store[Symbol.asyncDispose]())

  it('begins with history from the log and goes on with the stream, from any position', async () => {
    using client = store.client()
    for (const after of [0, 250, await head(store)]) {
      await using recorder = record(onSource => client.events.subscribe({ after, nats: { url: store.natsUrl }, onSource }))
      await recorder.source('nats')
      await store.append(...comets(3))
      await expectTheLog(store, await recorder.upTo(await head(store)), after)
      // It joined where history ended, and stayed.
      expect(recorder.notices.map(({ source }) => source)).toEqual(['gateway', 'nats'])
    }
  })

  it('fetches from the gateway what is too large for the broker', async () => {
    using client = store.client()
    const after = await head(store)
    await using recorder = record(onSource => client.events.subscribe({ after, nats: { url: store.natsUrl }, onSource }))
    await recorder.source('nats')
    await store.append(comet('small'), comet('x'.repeat(10 * largestMessage)), comet('small again'))
    await expectTheLog(store, await recorder.upTo(await head(store)), after)
    expect(recorder.notices).toHaveLength(2)
  })

  it('does without NATS while there is none, and joins it when it comes', async () => {
    await store.killNats()
    using client = store.client()
    const after = await head(store)
    await using recorder = record(onSource => client.events.subscribe({ after, nats: { url: store.natsUrl }, onSource }))
    await store.append(...comets(2))
    await expectTheLog(store, await recorder.upTo(await head(store)), after)
    await store.startNats()
    await recorder.source('nats')
    await store.append(...comets(2))
    await expectTheLog(store, await recorder.upTo(await head(store)), after)
  })

  it('refuses an address that is none, and a login that NATS refuses', async () => {
    using client = store.client()
    await expect(client.events.subscribe({ nats: { url: 'nats://' } }).next()).rejects.toMatchObject({ kind: 'configuration' })
    const wrong = new URL(store.natsUrl)
    wrong.password = 'wrong'
    const events = client.events.subscribe({ after: await head(store), nats: { url: wrong.href } })
    await expect(events.next()).rejects.toMatchObject({ kind: 'unauthenticated' })
    await expect(events.next()).resolves.toEqual({ done: true, value: undefined })
  })

  it('lets its process end when its consumer has left', async () => {
    const program = new URL('./programs/subscribe-and-leave.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [program, store.url, store.token, store.natsUrl], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line)
      if (line === 'joined') await store.append(comet('the last one'))
    }
    expect(await exited).toEqual([0, null])
    expect(lines).toEqual(['joined', String(await head(store))])
  })

  it('leaves nothing behind on a connection that it was given, by whichever way it ends', async () => {
    const connection = await connect({ servers: new URL(store.natsUrl).host, user: 'test', pass: 'secret' })
    using client = store.client()
    const consumers = () => store.askNats(async manager => (await manager.consumers.list(defaultStreamName).next()).length)
    const listeners = () => (connection as unknown as { listeners: unknown[] }).listeners.length
    const before = { consumers: await consumers(), listeners: listeners() }

    for (const way of ['break', 'return', 'abort'] as const) {
      const stop = new AbortController()
      const joined = Promise.withResolvers<void>()
      const after = await head(store)
      const events = client.events.subscribe({
        after,
        nats: { connection },
        signal: stop.signal,
        onSource: ({ source }) => source === 'nats' && joined.resolve(),
      })
      const taken: string[] = []
      const following = (async () => {
        for await (const { sequence } of events) {
          taken.push(sequence)
          if (way === 'break') break
        }
      })()
      await joined.promise
      expect(await consumers()).toBe(before.consumers + 1)
      await store.append(comet('the only one'))
      await expect.poll(() => taken).toEqual([String(after + 1)])
      if (way === 'return') await events.return()
      if (way === 'abort') stop.abort()
      await following
      await expect.poll(consumers).toBe(before.consumers)
    }
    expect(connection.isClosed()).toBe(false)
    expect(listeners()).toBe(before.listeners)
    await connection.flush()
    await connection.close()
  })

  it('asks the log when the stream is silent, and goes on from there when nobody fills it any more', async () => {
    using client = store.client()
    const after = await head(store)
    const nats = { url: store.natsUrl, quietMs: 1000 }
    await using recorder = record(onSource => client.events.subscribe({ after, nats, onSource }))
    await using filtered = record(onSource => client.events.subscribe({ after, type: 'v1.plan.*', nats, onSource }))
    await recorder.source('nats')
    await filtered.source('nats')
    // What others do moves even the position of one for whom there is nothing.
    await store.append(...comets(3))
    await filtered.upTo(await head(store))
    await store.stopLogWriter()
    await store.append(...comets(2))
    await expectTheLog(store, await recorder.upTo(await head(store)), after)
    expect(recorder.notices.at(2)).toMatchObject({ source: 'gateway', error: { kind: 'backend-unavailable' } })
  })
})

it('loses nothing behind a stream that keeps little, however slow its consumer is', async () => {
  await using store = await startStoreWithNats({ prepare: manager => manager.streams.add(streamConfig({ max_msgs: 20 })) })
  await store.append(...comets(300))
  using client = store.client()
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const subscribe = (type?: string) => {
    let onNats = false
    return record(
      onSource =>
        client.events.subscribe({
          type,
          nats: { url: store.natsUrl },
          onSource(notice) {
            onNats ||= notice.source === 'nats'
            onSource(notice)
          },
        }),
      // Once on NATS, it stops until the stream has dropped what it has not read.
      () => (onNats ? gate : undefined),
    )
  }
  await using all = subscribe()
  await using some = subscribe('v1.comet.*')
  await Promise.all([all.source('nats'), some.source('nats')])
  // More than one batch, so that some are not on their way yet when they are dropped.
  for (let i = 0; i < 5; i++) await store.append(...comets(400))
  const inStream = async () => (await store.askNats(manager => manager.streams.info(defaultStreamName))).state.last_seq
  await expect.poll(inStream, { timeout: 20_000 }).toBe(await head(store))
  open()
  await expectTheLog(store, await all.upTo(await head(store)))
  const sighted = (await wholeLog(store)).filter(event => event.eventType === 'v1.comet.sighted')
  expect((await some.upTo(await head(store))).map(event => Number(event.sequence))).toEqual(sighted.map(event => event.sequence))
  expect(all.notices.length).toBeGreaterThan(2)
  expect(some.notices.length).toBeGreaterThan(2)
})

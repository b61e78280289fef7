import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { blake3, type NewEvent } from '@artifact-store/core'
import { openPostgresLog, postgresLogReader } from '@artifact-store/log'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'
import { openAndNotRead, openStream, sequencesIn } from './open-stream.ts'

let system: RunningSystem
let api: Api

beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
  for (let i = 0; i < 5; i += 1) await api.createPackage()
})
afterAll(() => system[Symbol.asyncDispose]())

function open(query = '', headers: Readonly<Record<string, string>> = {}) {
  return openStream(system.gateway.url, system.token, query, headers)
}

function head(): Promise<number> {
  return postgresLogReader(system.database.pool).head()
}

function upTo(last: number, after = 0): number[] {
  return Array.from({ length: last - after }, (_, i) => after + i + 1)
}

async function metric(name: string, url = system.gateway.url): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(
    text
      .split('\n')
      .find(line => line.startsWith(`${name} `))
      ?.split(' ')[1],
  )
}

function large(i: number): NewEvent {
  const payloadJson = JSON.stringify({ text: 'x'.repeat(100_000) })
  return {
    eventType: 'v1.comet.weighed',
    subjectKind: 'comet',
    subjectId: `${i}`,
    actor: 'x',
    payloadJson,
    payloadDigest: blake3(payloadJson),
  }
}

describe('the event stream', () => {
  it('is one of server-sent events: a type, an id and one CloudEvent each, and how long to wait before coming again', async () => {
    const stream = await open()
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream')
    expect(stream.response.headers.get('cache-control')).toBe('no-store')
    const [first, ...blocks] = await stream.until(block => block['id'] === '5' && block['data'] !== undefined)
    stream.close()
    expect(first).toEqual({ retry: '1000', '': 'connected' })
    for (const block of blocks.filter(({ data }) => data !== undefined)) {
      const event = JSON.parse(block['data'] ?? '')
      expect(event).toMatchObject({ specversion: '1.0', id: block['id'], sequence: block['id'], type: block['event'] })
    }
  })

  it('tells history and then what happens, without a gap or a repeat', async () => {
    const stream = await open('?after=0')
    const before = await head()
    for (let i = 0; i < 30; i += 1) await api.createPackage()
    const blocks = await stream.until(block => block['id'] === String(before + 30))
    stream.close()
    expect(sequencesIn(blocks)).toEqual(upTo(before + 30))
  })

  it('is resumed behind the last event that was seen, whatever the address says', async () => {
    const stream = await open('?after=2', { 'last-event-id': '4' })
    const blocks = await stream.until(block => block['data'] !== undefined)
    stream.close()
    expect(sequencesIn(blocks)[0]).toBe(5)
    const bad = await open('', { 'last-event-id': 'five' })
    expect(bad.response.status).toBe(400)
    expect(bad.response.headers.get('content-type')).toBe('application/problem+json')
  })

  it('says by an id without data that all up to the end of the log has been sent, also where nothing of it was asked for', async () => {
    const end = await head()
    for (const query of ['', '?type=v1.plan.executed', '?subject=hold/x', '?type=v1.plan.*']) {
      const stream = await open(query)
      const blocks = await stream.until(block => block['id'] !== undefined && block['data'] === undefined)
      stream.close()
      expect(blocks.at(-1)).toEqual({ id: String(end) })
    }
  })

  it('lets through only what is asked for', async () => {
    const stream = await open(`?type=v1.package.*&subject=package&after=${await head()}`)
    await stream.until(block => block['id'] !== undefined)
    const id = await api.createPackage()
    await api.call('PUT', `/v1/packages/${id}/files/x`, { body: `filtered ${id}` })
    await api.call('POST', `/v1/packages/${id}/finalize`)
    const blocks = await stream.until(block => block['event'] === 'v1.package.finalized')
    stream.close()
    expect(blocks.flatMap(block => block['event'] ?? [])).toEqual([
      'v1.package.created',
      'v1.package.files-added',
      'v1.package.finalized',
    ])
  })

  it('is answered by its head alone to who asks for that', async () => {
    const answer = await api.call('HEAD', '/v1/events', { headers: { accept: 'text/event-stream' } })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  })

  it.each([
    ['text/event-stream;q=0, application/json', 'application/cloudevents-batch+json'],
    ['application/json', 'application/cloudevents-batch+json'],
    ['*/*', 'application/cloudevents-batch+json'],
    ['application/json, Text/Event-Stream; q=0.9', 'text/event-stream'],
  ])('is given to who takes it, and a page to everyone else: Accept: %s', async (accept, type) => {
    const answer = await open('', { accept })
    answer.close()
    expect(answer.response.headers.get('content-type')).toBe(type)
  })

  it('is counted, and so are its events', async () => {
    const streams = [await open(), await open(`?after=${await head()}`)]
    await Promise.all(streams.map(stream => stream.until(block => block['id'] !== undefined && block['data'] === undefined)))
    expect(await metric('artifact_store_event_streams')).toBeGreaterThanOrEqual(2)
    expect(await metric('artifact_store_events_sent_total{over="stream"}')).toBeGreaterThanOrEqual(await head())
    for (const stream of streams) stream.close()
    await expect.poll(() => metric('artifact_store_event_streams')).toBe(0)
  })

  it('goes on when the database has cut every connection of the gateway', async () => {
    const after = await head()
    const stream = await open(`?after=${after}`)
    await stream.until(block => block['id'] !== undefined)
    await system.database.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'artifact-store gateway'",
    )
    const writer = openPostgresLog(system.database.poolFor('log_writer'))
    await writer.append({ key: crypto.randomUUID(), conditions: [], events: [large(0)] })
    const blocks = await stream.until(block => block['data'] !== undefined)
    stream.close()
    expect(sequencesIn(blocks)).toEqual([after + 1])
  })

  it('reads nothing for a client that takes nothing, which finds everything when it does', async () => {
    const gateway = await system.startGateway()
    const after = await head()
    const socket = openAndNotRead(gateway.url, system.token, `?after=${after}&type=v1.comet.*`)
    const writer = openPostgresLog(system.database.poolFor('log_writer'))
    const count = 160
    for (let i = 0; i < count; i += 20) {
      const [first, ...others] = Array.from({ length: 20 }, (_, j) => large(i + j))
      await writer.append({ key: crypto.randomUUID(), conditions: [], events: [first as NewEvent, ...others] })
    }
    // Someone who reads has all of it, while the other has been sent what fits into the sockets between.
    const stream = await openStream(gateway.url, system.token, `?after=${after}&type=v1.comet.*`)
    const blocks = await stream.until(block => block['id'] === String(after + count))
    stream.close()
    expect(sequencesIn(blocks)).toEqual(upTo(after + count, after))
    const sent = await metric('artifact_store_events_sent_total{over="stream"}', gateway.url)
    expect(sent).toBeGreaterThan(count)
    expect(sent).toBeLessThan(2 * count - 20)

    const ids: number[] = []
    for await (const line of createInterface({ input: socket })) {
      const id = Number(/^id: (\d+)$/.exec(line)?.[1] ?? 0)
      if (id > (ids.at(-1) ?? after)) ids.push(id)
      if (id === after + count) break
    }
    expect(ids).toEqual(upTo(after + count, after))
    socket.destroy()
    expect(await gateway.stop()).toBe(0)
  })

  it('ends when the gateway stops: for who reads with the position, and for who does not without delay', async () => {
    const gateway = await system.startGateway()
    const end = await head()
    const stream = await openStream(gateway.url, system.token, '?type=v1.plan.*')
    await stream.until(block => block['id'] === String(end))
    const idle = openAndNotRead(gateway.url, system.token, '?after=0')
    await expect.poll(() => metric('artifact_store_event_streams', gateway.url)).toBe(2)
    const id = await api.createPackage()
    expect(id).toBeTypeOf('string')
    const closed = once(idle, 'close')
    expect(await gateway.stop()).toBe(0)
    idle.resume()
    await closed
    const last = (await stream.ended).at(-1)
    expect(last).not.toHaveProperty('data')
    expect(Number(last?.['id'])).toBeGreaterThanOrEqual(end)
  })
})

import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api

beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
})
afterAll(() => system[Symbol.asyncDispose]())

interface SentEvent {
  readonly id: number
  readonly type: string
  readonly data: { readonly id: string; readonly subject: string; readonly sequence: string }
}

/** Follows the stream until it has `count` events. */
async function follow(
  query: string,
  count: number,
  headers: Readonly<Record<string, string>> = {},
  meanwhile: () => Promise<void> = async () => {},
): Promise<SentEvent[]> {
  const aborter = new AbortController()
  const response = await fetch(`${system.gateway.url}/v1/events${query}`, {
    headers: { authorization: `Bearer ${system.token}`, accept: 'text/event-stream', ...headers },
    signal: aborter.signal,
  })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const working = meanwhile()
  const found: SentEvent[] = []
  let text = ''
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map(line => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      )
      if (fields.has('id'))
        found.push({ id: Number(fields.get('id')), type: fields.get('event') ?? '', data: JSON.parse(fields.get('data') ?? '') })
    }
    if (found.length >= count) break
  }
  aborter.abort()
  await working
  return found
}

describe('the event stream over HTTP', () => {
  it('gives pages in order, each event once, and says up to where it read', async () => {
    for (let i = 0; i < 5; i += 1) await api.createPackage()
    const first = await api.call('GET', '/v1/events?after=0&limit=4')
    expect(first.headers.get('content-type')).toBe('application/cloudevents-batch+json')
    expect(first.json.map((event: { id: string }) => Number(event.id))).toEqual([1, 2, 3, 4])
    expect(first.headers.get('artifact-position')).toBe('4')
    expect(first.json[1]).toMatchObject({
      specversion: '1.0',
      type: 'v1.package.created',
      source: '/artifact-store',
      sequence: '2',
      data: { name: 'ci/nightly' },
    })
    const rest = await api.call('GET', '/v1/events?after=4')
    expect(rest.json[0].id).toBe('5')
    expect((await api.call('GET', `/v1/events?after=${rest.headers.get('artifact-position')}`)).json).toEqual([])
  })

  it('filters by type and by subject', async () => {
    const id = await api.createPackage()
    await api.call('PUT', `/v1/packages/${id}/files/x`, { body: 'filtered' })
    const bySubject = await api.call('GET', `/v1/events?subject=package/${id}`)
    expect(bySubject.json.map((event: { type: string }) => event.type)).toEqual(['v1.package.created', 'v1.package.files-added'])
    expect(bySubject.json.map((event: { subjectrevision: number }) => event.subjectrevision)).toEqual([1, 2])
    const byType = await api.call('GET', '/v1/events?type=v1.blob.stored&type=v1.token.issued')
    expect(new Set(byType.json.map((event: { type: string }) => event.type))).toEqual(
      new Set(['v1.blob.stored', 'v1.token.issued']),
    )
  })

  it('tells history and then what happens, without a gap or a repeat', async () => {
    const found = await follow('?after=0', 30, {}, async () => {
      for (let i = 0; i < 30; i += 1) await api.createPackage()
    })
    expect(found.map(event => event.id)).toEqual(found.map((_, i) => i + 1))
    expect(found.every(event => event.data.id === String(event.id) && event.data.sequence === String(event.id))).toBe(true)
  })

  it('is resumed behind the last event that was seen', async () => {
    const [first] = await follow('', 1, { 'last-event-id': '7' })
    expect(first?.id).toBe(8)
  })

  it('ends when the gateway stops', async () => {
    const gateway = await system.startGateway()
    const response = await fetch(`${gateway.url}/v1/events`, {
      headers: { authorization: `Bearer ${system.token}`, accept: 'text/event-stream' },
    })
    const read = response.text()
    expect(await gateway.stop()).toBe(0)
    expect(await read).toContain(': connected')
  })
})

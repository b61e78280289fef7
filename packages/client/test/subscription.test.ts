import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { ArtifactStoreClient } from '../src/client.ts'
import type { StoreEvent } from '../src/index.ts'
import { frame, sampleEvent } from './sample-event.ts'
import { eventually, quick, sendJson, sendProblem, unusedPort, useSmallServers } from './small-server.ts'

function begin(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(': connected\n\n')
}

/** What the gateway takes a request to mean: `Last-Event-ID` before `after`. */
function resumePoint(request: { headers: NodeJS.Dict<string | string[]>; url?: string | undefined }): number {
  const after = new URL(request.url ?? '/', 'http://x').searchParams.get('after')
  return Number(request.headers['last-event-id'] ?? after ?? 0)
}

async function take(events: AsyncIterable<StoreEvent>, count: number): Promise<number[]> {
  const taken: number[] = []
  for await (const { sequence } of events) {
    taken.push(Number(sequence))
    if (taken.length === count) break
  }
  return taken
}

const serve = useSmallServers()

describe('a subscription', () => {
  it('yields every event once and in order although every connection breaks in the middle of an event', async () => {
    const server = await serve((request, response) => {
      begin(response)
      const next = resumePoint(request) + 1
      response.write(frame(next) + frame(next + 1))
      // Cut within an event, even within a character.
      const torn = Buffer.from(frame(next + 2))
      response.write(torn.subarray(0, torn.indexOf('č') + 1), () => request.socket.destroy())
    })
    using client = server.client()
    expect(await take(client.events.subscribe(), 9)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(server.requests.slice(0, 3).map(resumePoint)).toEqual([0, 2, 4])
    expect(server.requests[1]?.headers['last-event-id']).toBe('2')
  })

  it('goes on when the gateway ends the stream in good order, and when it answers 503 meanwhile', async () => {
    let connections = 0
    const notices: number[] = []
    const server = await serve((request, response) => {
      if (++connections === 2) return sendProblem(response, 503, 'log-unavailable', 'not now')
      begin(response)
      return response.end(frame(resumePoint(request) + 1))
    })
    using client = server.client()
    const events = client.events.subscribe({ after: 10, onReconnect: notice => notices.push(notice.after) })
    expect(await take(events, 3)).toEqual([11, 12, 13])
    expect(notices).toEqual([11, 12])
  })

  it('passes over what a server repeats', async () => {
    const server = await serve((request, response) => {
      begin(response)
      const from = Math.max(1, resumePoint(request) - 2)
      response.end(Array.from({ length: 5 }, (_, i) => frame(from + i)).join(''))
    })
    using client = server.client()
    expect(await take(client.events.subscribe(), 12)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  })

  it('stops rather than go on behind a hole', async () => {
    const server = await serve((_request, response) => {
      begin(response)
      response.end(frame(1) + frame(3))
    })
    using client = server.client()
    await expect(take(client.events.subscribe(), 2)).rejects.toMatchObject({
      kind: 'internal',
      details: { position: 1, sequence: 3 },
    })
  })

  it('takes holes for granted where a filter makes them', async () => {
    const server = await serve((_request, response) => {
      begin(response)
      response.write(frame(1) + frame(3))
    })
    using client = server.client()
    expect(await take(client.events.subscribe({ type: ['v1.package.created', 'v1.package.finalized'] }), 2)).toEqual([1, 3])
    expect(server.requests[0]?.url).toContain('type=v1.package.created&type=v1.package.finalized')
  })

  it('moves its position past what a filter leaves out, and goes on from there', async () => {
    const { promise: seen, resolve: see } = Promise.withResolvers<void>()
    const server = await serve(async (request, response) => {
      begin(response)
      if (resumePoint(request) === 0) return response.end(`${frame(3)}id: 3\n\n: still here\n\nid: 8\n\n`)
      await seen
      return response.write(frame(9))
    })
    using client = server.client()
    const events = client.events.subscribe({ type: 'v1.package.*' })
    expect(events.position).toBe(0)
    expect((await events.next()).value?.sequence).toBe('3')
    expect(events.position).toBe(3)
    const next = events.next()
    await eventually(() => events.position === 8)
    see()
    expect((await next).value?.sequence).toBe('9')
    expect(server.requests.map(resumePoint)).toEqual([0, 8])
    await events.return()
  })

  it('takes a position that jumps for a loss where nothing is filtered', async () => {
    const server = await serve((_request, response) => {
      begin(response)
      response.write(`${frame(1)}id: 1\n\nid: 3\n\n`)
    })
    using client = server.client()
    await expect(take(client.events.subscribe(), 2)).rejects.toMatchObject({
      kind: 'internal',
      details: { position: 1, sequence: 3 },
    })
  })

  it.each(['stream', 'page'])('gives out no event of a %s whose payload was changed', async way => {
    const event = { ...sampleEvent(1), data: { text: 'another' } }
    const server = await serve((_request, response) => {
      if (way === 'page') return sendJson(response, 200, [event])
      begin(response)
      return response.write(`id: 1\ndata: ${JSON.stringify(event)}\n\n`)
    })
    using client = server.client()
    const events = way === 'page' ? client.events.list() : take(client.events.subscribe(), 1)
    await expect(events).rejects.toMatchObject({ kind: 'digest-mismatch', details: { sequence: 1 } })
  })

  it('proves a payload as it came, also where it has names that are odd in JavaScript', async () => {
    const data = JSON.parse('{"__proto__":{"10":1,"9":2},"constructor":"x"}')
    const server = await serve((_request, response) => sendJson(response, 200, [sampleEvent(1, { data })]))
    using client = server.client()
    const { events } = await client.events.list()
    expect(JSON.stringify(events[0]?.data)).toBe(JSON.stringify(data))
  })

  it('refuses a filter that can match nothing before it asks anyone', async () => {
    const server = await serve((_request, response) => begin(response))
    using client = server.client()
    expect(() => client.events.subscribe({ type: 'package.created' })).toThrow(
      expect.objectContaining({ kind: 'invalid-request' }),
    )
    expect(() => client.events.subscribe({ subject: 'package/' })).toThrow(expect.objectContaining({ kind: 'invalid-request' }))
    expect(server.requests).toHaveLength(0)
  })

  it('ends when it is told to return while it waits for an event', async () => {
    const server = await serve((_request, response) => begin(response))
    using client = server.client()
    const events = client.events.subscribe()
    const next = events.next()
    await eventually(() => server.requests.length === 1)
    expect(await events.return()).toEqual({ done: true, value: undefined })
    expect(await next).toEqual({ done: true, value: undefined })
    await eventually(async () => (await server.connections()) === 0)
  })

  it('closes its connection when its consumer breaks', async () => {
    const server = await serve((_request, response) => {
      begin(response)
      response.write(frame(1))
    })
    using client = server.client()
    await take(client.events.subscribe(), 1)
    await eventually(async () => (await server.connections()) === 0)
  })

  it('ends without an error when its signal aborts, be it connected or waiting to be', async () => {
    let accept = true
    const server = await serve((_request, response) => {
      if (!accept) return sendProblem(response, 503, 'log-unavailable', 'not now')
      begin(response)
      return response.write(frame(1))
    })
    using client = server.client()
    for (const connected of [true, false]) {
      const stop = new AbortController()
      accept = true
      const events = client.events.subscribe({ signal: stop.signal })
      expect((await events.next()).value?.sequence).toBe('1')
      const end = events.next()
      if (!connected) {
        accept = false
        const seen = server.requests.length
        server.breakConnections()
        await eventually(() => server.requests.length > seen)
      }
      stop.abort()
      expect(await end).toEqual({ done: true, value: undefined })
    }
  })

  it('throws what the gateway refuses it with', async () => {
    const server = await serve((_request, response) => sendProblem(response, 401, 'unauthenticated', 'who are you?'))
    using client = server.client()
    await expect(take(client.events.subscribe(), 1)).rejects.toMatchObject({ kind: 'unauthenticated' })
  })

  it('does not wait for ever for a gateway that was never there', async () => {
    using client = new ArtifactStoreClient({ url: `http://127.0.0.1:${await unusedPort()}`, token: 't', retry: quick })
    await expect(take(client.events.subscribe(), 1)).rejects.toMatchObject({ kind: 'backend-unavailable' })
  })

  it('gives a silent connection up and makes another', async () => {
    const server = await serve((request, response) => {
      begin(response)
      // A new connection each time: the first one lies dead.
      if (server.requests.length > 1) response.write(frame(resumePoint(request) + 1))
    })
    using client = server.client()
    expect(await take(client.events.subscribe({ idleTimeoutMs: 50 }), 1)).toEqual([1])
  })
})

it('a page of events says whether there is more', async () => {
  const server = await serve((_request, response) => {
    sendJson(response, 200, [sampleEvent(4)], { 'artifact-position': '4', link: '</v1/events?after=4>; rel="next"' })
  })
  using client = server.client()
  expect(await client.events.list({ after: 3 })).toMatchObject({ position: 4, atEnd: false })
})

it('a page of events says how far was read, also where a filter let nothing through', async () => {
  const server = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/cloudevents-batch+json', 'artifact-position': '77' }).end('[]')
  })
  using client = server.client()
  expect(await client.events.list({ after: 3, type: 'v1.package.deleted' })).toEqual({ events: [], position: 77, atEnd: true })
})

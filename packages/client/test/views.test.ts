import { describe, expect, it } from 'vitest'
import { bodyOf, sendJson, sendProblem, useSmallServers } from './small-server.ts'

const serve = useSmallServers()

const task = {
  id: 7,
  kind: 'rebuild',
  phase: 'building',
  workedOn: true,
  requestedAt: '2026-11-23T01:02:03.004Z',
  requestedBy: 'admin',
  position: 12,
}
const done = { ...task, phase: 'done', finishedAt: '2026-11-23T01:02:04.005Z', position: 42, somethingNew: true }

describe('the views', () => {
  it('are asked to be rebuilt once, however the answer is lost', async () => {
    const server = await serve(async (request, response) => {
      expect(JSON.parse((await bodyOf(request)).toString())).toEqual({ kind: 'rebuild' })
      request.socket.destroy()
      response.destroy()
    })
    using client = server.client()
    await expect(client.views.rebuild()).rejects.toMatchObject({ kind: 'backend-unavailable' })
    expect(server.requests).toHaveLength(1)
  })

  it('refuse a second task with what is under way', async () => {
    const server = await serve((_, response) => sendProblem(response, 409, 'views-busy', 'task 7 is under way'))
    using client = server.client()
    await expect(client.views.verify()).rejects.toMatchObject({ kind: 'views-busy', message: 'task 7 is under way' })
  })

  it('tell of a task until it has ended, with what this client does not know', async () => {
    let asked = 0
    const server = await serve((_, response) => sendJson(response, 200, ++asked < 3 ? task : done))
    using client = server.client()
    const told: (number | undefined)[] = []
    expect(await client.views.ended(7, { onProgress: ({ position }) => told.push(position) })).toEqual(done)
    expect(told).toEqual([12, 12])
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(Array(3).fill('GET /v1/admin/views/tasks/7'))
  })

  it('are waited for until the signal aborts', async () => {
    const server = await serve((_, response) => sendJson(response, 200, task))
    using client = server.client()
    const stop = new AbortController()
    const waiting = client.views.ended(7, { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) })
    await expect(waiting).rejects.toThrow('enough')
  })

  it('give a task up and drop what is kept', async () => {
    const server = await serve((_, response) => response.writeHead(204).end())
    using client = server.client()
    await client.views.discard(7)
    await client.views.dropPrevious()
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'DELETE /v1/admin/views/tasks/7',
      'DELETE /v1/admin/views/previous',
    ])
  })
})

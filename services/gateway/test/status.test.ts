import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api
beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
})
afterAll(() => system[Symbol.asyncDispose]())

it('tells how the whole deployment is, and who asks', async () => {
  await api.createPackage()
  const { status, json } = await api.call('GET', '/v1/status')
  expect(status).toBe(200)
  expect(json).toMatchObject({
    token: { actor: 'admin', scopes: expect.arrayContaining(['admin']) },
    log: { writers: [{ ready: true, version: json.version, checks: { postgres: { ok: true } } }] },
    views: { position: json.log.head, projectorLeads: true },
    stream: { relayLeads: false },
    blobs: { space: { free: expect.any(Number), total: expect.any(Number) } },
  })
  expect(json.log.head).toBeGreaterThan(0)
  expect(json.views).not.toHaveProperty('waitingSince')
  expect(json.blobs).not.toHaveProperty('trouble')
})

it('tells nobody who has no token', async () => {
  expect((await api.call('GET', '/v1/status', { token: null })).status).toBe(401)
})

it('sees that no projector leads, and since when reads are behind', async () => {
  const id = await api.createPackage()
  await system.projector.stop()
  const written = await api.call('PUT', `/v1/packages/${id}/files/x`, { body: 'x', headers: { prefer: 'respond-async' } })
  expect(written.headers.get('preference-applied')).toBe('respond-async')
  const { json } = await api.call('GET', '/v1/status')
  expect(json.views.position).toBeLessThan(json.log.head)
  expect(json.views).toEqual({ position: expect.any(Number), waitingSince: expect.any(String), projectorLeads: false })
})

it('says of a log-writer that is gone that it cannot be reached, and not where it was', async () => {
  await system.logWriter.kill()
  const { json } = await api.call('GET', '/v1/status')
  expect(json.log.writers).toEqual([{ ready: false, trouble: 'it cannot be reached (ECONNREFUSED)', checks: {} }])
})

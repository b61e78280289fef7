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

async function issue(scopes: readonly string[], fields: Readonly<Record<string, unknown>> = {}) {
  const answer = await api.call('POST', '/v1/tokens', { json: { actor: 'ci:nightly', scopes, ...fields } })
  expect(answer.status).toBe(201)
  return answer.json as { id: string; token: string }
}

describe('tokens', () => {
  it('name the actor of what is done with them', async () => {
    const { token } = await issue(['write', 'read'])
    const created = await api.call('POST', '/v1/packages', { token, json: { name: 'a', kind: 'logs' } })
    expect(created.json.createdBy).toBe('ci:nightly')
    const events = await api.call('GET', `/v1/events?subject=package/${created.json.id}`, { token })
    expect(events.json[0].actor).toBe('ci:nightly')
  })

  it.each([
    ['read', 'GET', '/v1/packages', 200],
    ['read', 'POST', '/v1/packages', 403],
    ['read', 'GET', '/v1/tokens', 403],
    ['write', 'GET', '/v1/packages', 403],
    ['write', 'POST', '/v1/packages', 201],
    ['write', 'POST', '/v1/tokens', 403],
    ['admin', 'GET', '/v1/packages', 200],
    ['admin', 'POST', '/v1/packages', 201],
    ['admin', 'GET', '/v1/tokens', 200],
  ])('with the scope %s answer %s %s with %i', async (scope, method, path, status) => {
    const { token } = await issue([scope])
    const json = path === '/v1/packages' ? { name: 'a', kind: 'logs' } : { actor: 'x', scopes: ['read'] }
    const answer = await api.call(method, path, method === 'POST' ? { token, json } : { token })
    expect(answer.status).toBe(status)
    if (status === 403) expect(answer.json.type).toMatch(/forbidden$/)
  })

  it('are kept as digests only', async () => {
    const { id, token } = await issue(['read'], { description: 'for the dashboard' })
    const listed = await api.call('GET', '/v1/tokens')
    expect(listed.json.tokens).toContainEqual(
      expect.objectContaining({ id, actor: 'ci:nightly', description: 'for the dashboard' }),
    )
    expect(listed.bytes.toString()).not.toContain(token)
    const { rows } = await system.database.pool.query(
      "select string_agg(convert_from(payload, 'UTF8'), '') as all_payloads from log.events",
    )
    expect(rows[0].all_payloads).not.toContain(token)
    const logged = [system.gateway, system.logWriter, system.projector].flatMap(service => service.lines).join('\n')
    for (const secret of [token, system.token]) expect(logged).not.toContain(secret)
  })

  it('count no more from the answer to their revocation on', async () => {
    const { id, token } = await issue(['read'])
    expect((await api.call('GET', '/v1/packages', { token })).status).toBe(200)
    expect((await api.call('DELETE', `/v1/tokens/${id}`)).status).toBe(204)
    const refused = await api.call('GET', '/v1/packages', { token })
    expect(refused.status).toBe(401)
    expect(refused.json.detail).toContain('revoked')
    expect(refused.headers.get('www-authenticate')).toContain('Bearer')
    expect((await api.call('DELETE', `/v1/tokens/${id}`)).status).toBe(204)
    expect((await api.call('DELETE', `/v1/tokens/${'0'.repeat(32)}`)).json.type).toMatch(/token-not-found$/)
  })

  it('end to count when they expire', async () => {
    const { token } = await issue(['read'], { expiresAt: '2020-01-01T00:00:00Z' })
    expect((await api.call('GET', '/v1/packages', { token })).json.detail).toContain('expired')
  })

  it('are not needed for health, metrics and the description of the API', async () => {
    for (const path of ['/health', '/health/live', '/health/ready', '/metrics', '/openapi.json']) {
      expect((await api.call('GET', path, { token: null })).status).toBe(200)
    }
  })
})

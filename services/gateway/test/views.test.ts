import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api
beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
})
afterAll(() => system[Symbol.asyncDispose]())

describe('the views as a whole', () => {
  it('are rebuilt while packages are made and read, and the old ones are kept until told', async () => {
    const before = await api.createPackage()
    const asked = await api.call('POST', '/v1/admin/views/tasks', { json: { kind: 'rebuild' } })
    expect(asked.status).toBe(202)
    expect(asked.json).toMatchObject({ kind: 'rebuild', requestedBy: 'admin' })
    expect(asked.headers.get('location')).toBe(`/v1/admin/views/tasks/${asked.json.id}`)

    const ids = [before]
    const rebuilt = await untilEnded(asked.json.id, async () => {
      ids.push(await api.createPackage())
      for (const id of [before, ids.at(-1)]) expect((await api.call('GET', `/v1/packages/${id}`)).status).toBe(200)
    })
    expect(rebuilt).toMatchObject({ phase: 'done', finishedAt: expect.any(String) })
    for (const id of ids) expect((await api.call('GET', `/v1/packages/${id}`)).status).toBe(200)

    const { json: status } = await api.call('GET', '/v1/admin/views')
    expect(status).toMatchObject({ position: status.head, previous: expect.any(Number) })
    expect(status.tasks[0]).toEqual(rebuilt)
    const refused = await api.call('POST', '/v1/admin/views/tasks', { json: { kind: 'rebuild' } })
    expect(refused.status).toBe(409)
    expect(refused.json).toMatchObject({ kind: 'views-busy', reason: 'previous-kept' })

    expect((await api.call('DELETE', '/v1/admin/views/previous')).status).toBe(204)
    expect((await api.call('DELETE', '/v1/admin/views/previous')).status).toBe(204)
    expect((await api.call('GET', '/v1/admin/views')).json).not.toHaveProperty('previous')
  })

  it('are verified, and what differs is told by its key', async () => {
    const id = await api.createPackage({ name: 'ci/spoilt' })
    const good = await verified()
    expect(good).toMatchObject({ phase: 'done', result: { differences: [] } })
    expect(good.result.live).toBe(good.result.fresh)

    await system.database.pool.query(`update views.artifact_packages set producer = 'nobody' where package_id = $1`, [id])
    const spoilt = await verified()
    expect(spoilt.result.live).not.toBe(spoilt.result.fresh)
    expect(spoilt.result.differences).toEqual([
      {
        table: 'artifact_packages',
        kind: 'different',
        key: { package_id: id },
        columns: [{ column: 'producer', live: 'nobody', fresh: null }],
      },
    ])
    await system.database.pool.query('update views.artifact_packages set producer = null where package_id = $1', [id])
    expect((await verified()).result.differences).toEqual([])
    // A list does not carry what a verification found.
    expect((await api.call('GET', '/v1/admin/views')).json.tasks[0]).not.toHaveProperty('result')
  })

  it('are the administrator’s business, and only one thing is done with them at a time', async () => {
    const issued = await api.call('POST', '/v1/tokens', { json: { actor: 'ci', scopes: ['read', 'write'] } })
    const { token } = issued.json
    for (const [method, path] of [
      ['GET', '/v1/admin/views'],
      ['GET', '/v1/admin/views/tasks/1'],
      ['DELETE', '/v1/admin/views/tasks/1'],
      ['DELETE', '/v1/admin/views/previous'],
    ] as const)
      expect((await api.call(method, path, { token })).status, `${method} ${path}`).toBe(403)
    expect((await api.call('POST', '/v1/admin/views/tasks', { token, json: { kind: 'rebuild' } })).status).toBe(403)
    expect((await api.call('POST', '/v1/admin/views/tasks', { json: { kind: 'wishes' } })).status).toBe(400)
    expect((await api.call('GET', '/v1/admin/views/tasks/zero')).status).toBe(400)
    expect((await api.call('GET', '/v1/admin/views/tasks/999999')).json).toMatchObject({ kind: 'route-not-found' })
    expect((await api.call('DELETE', '/v1/admin/views/tasks/999999')).status).toBe(204)

    // Nobody takes it up, so it stays under way.
    await system.projector.stop()
    const asked = await api.call('POST', '/v1/admin/views/tasks', { json: { kind: 'verification' } })
    expect(asked.json).toMatchObject({ phase: 'waiting', workedOn: false })
    const refused = await api.call('POST', '/v1/admin/views/tasks', { json: { kind: 'rebuild' } })
    expect(refused.status).toBe(409)
    expect(refused.json).toMatchObject({ kind: 'views-busy', reason: 'busy', task: asked.json.id })
    expect((await api.call('DELETE', `/v1/admin/views/tasks/${asked.json.id}`)).status).toBe(204)
    expect((await api.call('GET', `/v1/admin/views/tasks/${asked.json.id}`)).json).toMatchObject({ phase: 'discarded' })
  })
})

async function untilEnded(id: number, meanwhile: () => Promise<void> = async () => undefined): Promise<Answer['json']> {
  let task: Answer['json']
  const isEnded = async () => {
    await meanwhile()
    task = (await api.call('GET', `/v1/admin/views/tasks/${id}`)).json
    return task.finishedAt
  }
  await expect.poll(isEnded, { timeout: 25_000, interval: 20 }).toBeDefined()
  return task
}

async function verified(): Promise<Answer['json']> {
  const { json } = await api.call('POST', '/v1/admin/views/tasks', { json: { kind: 'verification' } })
  return untilEnded(json.id)
}

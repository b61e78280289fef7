import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunningSystem, startService, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Answer, type Api, apiOf } from './api.ts'
import { openStream } from './open-stream.ts'

let system: RunningSystem
let api: Api
let id: string

beforeAll(async () => {
  system = await startSystem({ partitionEvents: 20 })
  api = apiOf(system)
  id = await api.createPackage({ name: 'ci/first' })
  await api.call('PUT', `/v1/packages/${id}/files/a.txt`, { body: 'a' })
  for (let i = 0; i < 60; i += 1) await api.createPackage()
})
afterAll(() => system[Symbol.asyncDispose]())

const questions = () => [
  '/v1/events?after=0&limit=1000',
  '/v1/events?after=3&limit=7',
  '/v1/events?after=17&limit=30',
  '/v1/events?type=v1.package.created&limit=50',
  '/v1/events?type=v1.package.*&subject=package&limit=1000',
  '/v1/events?type=v1.blob.stored',
  `/v1/events?subject=package/${id}`,
  `/v1/events?subject=package/${id}&type=v1.package.files-added`,
]

async function task(kind: 'rebuild' | 'verification'): Promise<Answer['json']> {
  const { json: asked } = await api.call('POST', '/v1/admin/views/tasks', { json: { kind } })
  const look = async () => (await api.call('GET', `/v1/admin/views/tasks/${asked.id}`)).json
  await expect.poll(look, { timeout: 25_000, interval: 20 }).toHaveProperty('finishedAt')
  return look()
}

it('nobody who reads through the gateway notices that the log was archived', async () => {
  expect((await api.call('GET', '/v1/admin/archive')).json).toMatchObject({ archivedTo: 0, tableBegins: 1, segments: 0 })
  const before = await Promise.all(questions().map(question => api.call('GET', question)))
  await system.archiveFullPartitions()

  const { json: status } = await api.call('GET', '/v1/admin/archive')
  expect(status).toMatchObject({ archivedTo: 60, tableBegins: 61, head: (await api.footprint()).head, bytes: expect.any(Number) })
  expect(status.partitions.slice(0, 4)).toMatchObject([
    { firstSequence: 1, lastSequence: 20, state: 'dropped', since: expect.any(String) },
    { firstSequence: 21, state: 'dropped' },
    { firstSequence: 41, state: 'dropped' },
    { firstSequence: 61, state: 'attached' },
  ])
  expect((await system.database.pool.query('select min(sequence)::int as first from log.events')).rows).toEqual([{ first: 61 }])

  for (const [i, question] of questions().entries()) {
    const after = await api.call('GET', question)
    expect(after.json, question).toEqual(before[i]?.json)
    expect(after.headers.get('link'), question).toBe(before[i]?.headers.get('link'))
    expect(after.headers.get('artifact-position'), question).toBe(before[i]?.headers.get('artifact-position'))
  }
  const stream = await openStream(system.gateway.url, system.token, '?after=0')
  const blocks = await stream.until(block => block['id'] === String(status.head))
  stream.close()
  expect(blocks.flatMap(block => (block['data'] ? [Number(block['id'])] : []))).toEqual(
    Array.from({ length: status.head }, (_, i) => i + 1),
  )
})

it('the views are verified and made anew from both', async () => {
  expect(await task('verification')).toMatchObject({ phase: 'done', result: { differences: [] } })
  const before = (await api.call('GET', '/v1/packages?limit=100')).json
  expect(await task('rebuild')).toMatchObject({ phase: 'done' })
  expect((await api.call('GET', '/v1/packages?limit=100')).json).toEqual(before)
})

it('every process says that it can read the archive, and one that was given none is not ready', async () => {
  for (const { url } of [system.gateway, system.projector, system.logWriter]) {
    const ready = await fetch(`${url}/health/ready`)
    expect(ready.status).toBe(200)
    expect(await ready.json()).toMatchObject({ checks: { archive: { ok: true, detail: 'archived to 60' } } })
  }
  await using other = await startService('projector', {
    env: { DATABASE_URL: system.database.urlFor('projector') },
    until: 'listening',
  })
  const unready = await fetch(`${other.url}/health/ready`)
  expect(unready.status).toBe(503)
  expect(await unready.json()).toMatchObject({
    checks: { archive: { ok: false, detail: expect.stringContaining('set LOG_ARCHIVE_URL') } },
  })
})

it('a segment that is gone is told by its name, to those who ask for it alone, and all else goes on', async () => {
  await rm(join(system.logArchive, 'blobs', 'blake3'), { recursive: true })
  const gone = await apiOf(system, (await system.startGateway()).url).call('GET', '/v1/events?after=0&limit=10')
  expect(gone.status).toBe(500)
  expect(gone.json).toMatchObject({
    kind: 'archive-damaged',
    firstSequence: 1,
    lastSequence: 20,
    digest: expect.stringMatching(/^blake3:/),
  })
  expect((await api.call('GET', '/v1/events?after=60&limit=10')).status).toBe(200)
  expect(await api.createPackage()).toBeDefined()
})

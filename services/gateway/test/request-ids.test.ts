import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api

beforeAll(async () => {
  system = await startSystem({ env: { LOG_LEVEL: 'debug' } })
  api = apiOf(system)
})
afterAll(() => system[Symbol.asyncDispose]())

/** Lines of the log-writer about appends that name that request. */
function appendsOf(requestId: string): readonly string[] {
  return system.logWriter.lines.filter(line => line.includes('/v1/appends') && line.includes(`"${requestId}"`))
}

it('a write is found under its id in the logs of the gateway and of the log-writer', async () => {
  const headers = { 'x-request-id': 'one-write' }
  const answer = await api.call('POST', '/v1/packages', { json: { name: 'ci/nightly', kind: 'evidence' }, headers })
  expect(answer.headers.get('x-request-id')).toBe('one-write')
  await expect.poll(() => system.gateway.lines.filter(line => line.includes('"one-write"'))).not.toHaveLength(0)
  await expect.poll(() => appendsOf('one-write')).toHaveLength(1)
})

it('each of the uploads that one append brings is found there', async () => {
  const id = await api.createPackage()
  const names = Array.from({ length: 12 }, (_, i) => `upload-${i}`)
  await Promise.all(
    names.map(name => api.call('PUT', `/v1/packages/${id}/files/${name}`, { body: name, headers: { 'x-request-id': name } })),
  )
  for (const name of names) await expect.poll(() => appendsOf(name)).toHaveLength(1)
  const lines = new Set(names.flatMap(name => appendsOf(name)))
  expect(lines.size).toBeLessThan(names.length)
})

it('a refusal names its request', async () => {
  const { json } = await api.call('GET', '/v1/packages/x', { headers: { 'x-request-id': 'refused' } })
  expect(json).toMatchObject({ requestId: 'refused' })
})

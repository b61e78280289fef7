import { blake3, type NewEvent } from '@artifact-store/core'
import { openPostgresLog, postgresLogReader } from '@artifact-store/log'
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

/** What a gateway of a later version writes. */
async function appendNewer(eventType: string, subjectKind: string, subjectId: string): Promise<void> {
  const payloadJson = '{"colour":"blue"}'
  const event: NewEvent = { eventType, subjectKind, subjectId, actor: 'x', payloadJson, payloadDigest: blake3(payloadJson) }
  const log = openPostgresLog(system.database.poolFor('log_writer'))
  await log.append({ key: crypto.randomUUID(), conditions: [], events: [event] })
}

const head = () => postgresLogReader(system.database.poolFor('gateway')).head()

describe('a package to which something happened that this version cannot read', () => {
  it.each(['v1.package.painted', 'v9.package.files-added', 'v2.package.finalized'])(
    'is shown, and takes no decision: %s',
    async type => {
      const id = await api.createPackage()
      await api.call('PUT', `/v1/packages/${id}/files/before`, { body: 'before' })
      await appendNewer(type, 'package', id)
      const before = await head()

      for (const [method, path, body] of [
        ['PUT', `/files/after`, 'before'],
        ['DELETE', `/files/before`],
        ['POST', '/finalize'],
        ['POST', '/discard'],
      ] as const) {
        const { status, json } = await api.call(method, `/v1/packages/${id}${path}`, {
          ...(body === undefined ? {} : { body }),
          ...(method === 'POST' ? { json: {} } : {}),
        })
        expect(status, path).toBe(409)
        expect(json, path).toMatchObject({
          kind: 'revision-conflict',
          subject: { kind: 'package', id },
          currentRevision: 3,
          shownRevision: 2,
          detail: expect.stringContaining('newer version'),
        })
      }
      expect(await head()).toBe(before)
      expect((await api.call('GET', `/v1/packages/${id}`)).json).toMatchObject({ id, revision: 2, state: 'open' })
      expect((await api.call('GET', `/v1/packages/${id}/files/before`)).bytes.toString()).toBe('before')
      const { json: events } = await api.call('GET', `/v1/events?subject=package/${id}`)
      expect(events.at(-1)).toMatchObject({ type, subjectrevision: 3, data: { colour: 'blue' } })
    },
  )

  it('stands in the way of no other', async () => {
    const [odd, other] = [await api.createPackage(), await api.createPackage()]
    await appendNewer('v1.package.painted', 'package', odd)
    expect((await api.call('PUT', `/v1/packages/${other}/files/x`, { body: 'x' })).status).toBe(201)
  })
})

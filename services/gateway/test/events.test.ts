import type { NewEvent, StoredEvent } from '@artifact-store/core'
import { openPostgresLog, postgresLogReader } from '@artifact-store/log'
import { type RunningSystem, randomHistory, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api

beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
  for (let i = 0; i < 5; i += 1) await api.createPackage()
})
afterAll(() => system[Symbol.asyncDispose]())

/** What the log has, beside the gateway. */
function log(after: number): Promise<readonly StoredEvent[]> {
  return postgresLogReader(system.database.pool).fetchSince(after, 1000)
}

describe('a page of events', () => {
  it('is a batch of CloudEvents in their order, and says up to where it read and where to go on', async () => {
    const first = await api.call('GET', '/v1/events?after=0&limit=4')
    expect(first.headers.get('content-type')).toBe('application/cloudevents-batch+json')
    expect(first.json.map((event: { id: string }) => Number(event.id))).toEqual([1, 2, 3, 4])
    expect(first.headers.get('artifact-position')).toBe('4')
    expect(first.headers.get('link')).toBe('</v1/events?after=4&limit=4>; rel="next"')
    const [, stored] = await log(0)
    expect(first.json[1]).toEqual({
      specversion: '1.0',
      id: '2',
      source: '/artifact-store',
      type: 'v1.package.created',
      subject: `package/${stored?.subjectId}`,
      time: stored?.createdAt.toISOString(),
      datacontenttype: 'application/json',
      sequence: '2',
      subjectrevision: 1,
      actor: 'admin',
      payloaddigest: Buffer.from(stored?.payloadDigest ?? []).toString('hex'),
      data: stored?.payload,
    })
  })

  it('has no next page when it reached the end of the log', async () => {
    const all = await api.call('GET', '/v1/events?after=4')
    expect(all.headers.get('link')).toBeNull()
    const end = all.headers.get('artifact-position')
    const behind = await api.call('GET', `/v1/events?after=${end}`)
    expect([behind.json, behind.headers.get('artifact-position'), behind.headers.get('link')]).toEqual([[], end, null])
  })

  it('names its filters in the address of the next', async () => {
    const page = await api.call('GET', '/v1/events?type=v1.package.*&type=v1.blob.stored&subject=package&limit=1')
    expect(page.headers.get('link')).toBe(
      '</v1/events?type=v1.package.*&type=v1.blob.stored&subject=package&limit=1&after=2>; rel="next"',
    )
  })

  it('says how far was read also where nothing was asked for', async () => {
    const page = await api.call('GET', '/v1/events?type=v1.plan.executed')
    expect([page.json, page.headers.get('artifact-position')]).toEqual([[], String((await log(0)).length)])
  })

  it('has what is asked for, by types, families of them, subject and kind of subject', async () => {
    const id = await api.createPackage()
    await api.call('PUT', `/v1/packages/${id}/files/x`, { body: 'filtered' })
    const types = async (query: string) =>
      (await api.call('GET', `/v1/events?${query}`)).json.map((event: { type: string }) => event.type)
    expect(await types(`subject=package/${id}`)).toEqual(['v1.package.created', 'v1.package.files-added'])
    expect(await types(`subject=package/${id}&type=v1.package.files-added`)).toEqual(['v1.package.files-added'])
    expect(new Set(await types('type=v1.blob.stored&type=v1.token.issued'))).toEqual(
      new Set(['v1.blob.stored', 'v1.token.issued']),
    )
    expect(new Set(await types('type=v1.package.*'))).toEqual(new Set(['v1.package.created', 'v1.package.files-added']))
    expect(new Set(await types('subject=blob'))).toEqual(new Set(['v1.blob.stored']))
  })

  it('carries every payload as it was hashed', async () => {
    const after = (await log(0)).length
    const [first, ...others] = randomHistory({ seed: 3, length: 200 })
    const writer = openPostgresLog(system.database.poolFor('log_writer'))
    await writer.append({ key: 'random', conditions: [], events: [first as NewEvent, ...others] })
    const page = await api.call('GET', `/v1/events?after=${after}&limit=1000`)
    for (const [i, event] of (await log(after)).entries())
      expect(page.bytes.toString()).toContain(`"data":${event.payloadJson}}${i < others.length ? ',' : ']'}`)
  })

  it.each([
    ['after=-1', /"-1" is not a log position/],
    ['after=one', /"one" is not a log position/],
    ['after=9007199254740991', /the log ends at \d+, so nothing can have been read up to 9007199254740991/],
    ['limit=0', /limit/],
    ['limit=1001', /limit/],
    ['type=package.created', /"package.created" is not a type of event/],
    ['type=v1.package.created&type=*', /"\*" is not a type of event/],
    ['type=', /"" is not a type of event/],
    ['subject=package/', /"package\/" is not a subject/],
    ['subject=Package', /"Package" is not a subject/],
    [Array.from({ length: 51 }, (_, i) => `type=v1.a.b${i}`).join('&'), /51 types are too many/],
  ])('is refused for %s with a problem that says why', async (query, why) => {
    for (const accept of ['application/json', 'text/event-stream']) {
      const answer = await api.call('GET', `/v1/events?${query}`, { headers: { accept } })
      expect(answer.status).toBe(400)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(answer.json).toMatchObject({ kind: 'invalid-request' })
      expect(JSON.stringify([answer.json.detail, answer.json.errors]).replaceAll('\\"', '"')).toMatch(why)
    }
  })
})

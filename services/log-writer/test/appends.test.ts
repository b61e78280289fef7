import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { canonicalJson, makeEvent, type NewEvent, newPackageId } from '@artifact-store/core'
import { appendFramesType, frameAppend, joinFrames, maxFetch, openRemoteLog, postgresLogReader } from '@artifact-store/log'
import { createTestDatabase, emptyLog, type ServiceUnderTest, type TestDatabase } from '@artifact-store/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  append,
  appends,
  eventOf,
  packageCreated,
  post,
  remoteLog,
  startLogWriter,
  token,
  unknownEvent,
} from './test-log-writer.ts'

let database: TestDatabase
let service: ServiceUnderTest
beforeAll(async () => {
  database = await createTestDatabase()
  service = await startLogWriter(database.urlFor('log_writer'))
})
beforeEach(() => emptyLog(database.pool))
afterAll(async () => {
  await service.stop()
  await database[Symbol.asyncDispose]()
})
const events = () => postgresLogReader(database.poolFor('gateway')).fetchSince(0, maxFetch)

describe('appends over HTTP', () => {
  it('become part of the log as they were, each in its own order, from however many sides they come', async () => {
    const logs = [remoteLog(service), remoteLog(service), remoteLog(service)]
    const asked = Array.from({ length: 300 }, (_, i) => {
      const [first, ...others] = Array.from({ length: 1 + (i % 4) }, (__, j) =>
        unknownEvent({ i, j, text: '"\\é\u{1f600}\n' }, `thing-${i % 7}`),
      )
      if (!first) throw new Error('an append has an event')
      return { key: randomUUID(), conditions: [], events: [first, ...others] as const }
    })
    const outcomes = await Promise.all(asked.map(async (one, i) => (await logs[i % 3]?.append(one)) ?? expect.fail()))
    const stored = await events()
    expect(stored.map(({ sequence }) => sequence)).toEqual(stored.map((_, i) => i + 1))
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.outcome !== 'appended') return expect.fail(`append ${i}: ${outcome.outcome}`)
      const own = stored.slice(outcome.firstSequence - 1, outcome.lastSequence)
      expect(own.map(({ payloadJson }) => payloadJson)).toEqual(asked[i]?.events.map(({ payloadJson }) => payloadJson))
      expect(own[0]?.createdAt).toEqual(outcome.createdAt)
    }
    expect(stored).toHaveLength(asked.reduce((sum, one) => sum + one.events.length, 0))
  })

  it('keep the order in which one sender sent them', async () => {
    const log = remoteLog(service)
    const sent = Array.from({ length: 100 }, (_, i) =>
      log.append({ key: randomUUID(), conditions: [], events: [unknownEvent({ i })] }),
    )
    await Promise.all(sent)
    expect((await events()).map(({ payload }) => payload['i'])).toEqual(sent.map((_, i) => i))
  })

  it('are judged by their conditions, each alone', async () => {
    const log = remoteLog(service)
    const id = newPackageId()
    const subject = { kind: 'package', id }
    const first = { key: randomUUID(), conditions: [{ subject, revision: 0 }], events: [packageCreated(id)] as const }
    expect(await log.append(first)).toMatchObject({ outcome: 'appended', firstSequence: 1 })
    expect(await log.append({ ...first, key: randomUUID() })).toEqual({
      outcome: 'conflict',
      reason: 'revision',
      subject,
      currentRevision: 1,
      head: 1,
    })
    const discard = makeEvent({ type: 'v1.package.discarded', subjectId: id, actor: 'ci', payload: {} })
    const link = makeEvent({
      type: 'v1.package.linked',
      subjectId: id,
      actor: 'ci',
      payload: { relation: 'attests', target: 'x' },
    })
    expect(await log.append({ key: randomUUID(), conditions: [{ subject, unsealed: true }], events: [discard] })).toMatchObject({
      outcome: 'appended',
    })
    expect(await log.append({ key: randomUUID(), conditions: [{ subject, unsealed: true }], events: [link] })).toMatchObject({
      outcome: 'conflict',
      reason: 'sealed',
      currentRevision: 2,
    })
    // In one request: what is refused keeps nobody else out.
    const { status, body } = await post(service, {
      appends: [
        append([unknownEvent()], { conditions: [{ subject, revision: 7 }] }),
        append([unknownEvent()]),
        append([unknownEvent()], { conditions: [{ subject, revision: 2 }] }),
      ],
    })
    expect(status).toBe(200)
    expect(body.results).toMatchObject([
      { outcome: 'conflict', currentRevision: 2 },
      { outcome: 'appended' },
      { outcome: 'appended' },
    ])
  })

  it('happen once for each key', async () => {
    const one = append([unknownEvent({ n: 1 })])
    const [first] = (await post(service, { appends: [one] })).body.results ?? []
    expect(first).toMatchObject({ outcome: 'appended', firstSequence: 1 })
    expect((await post(service, { appends: [one, one] })).body.results).toEqual([
      { ...first, outcome: 'repeated' },
      { ...first, outcome: 'repeated' },
    ])
    expect(
      (await post(service, { appends: [{ ...one, events: append([unknownEvent({ n: 2 })]).events }] })).body.results,
    ).toEqual([{ outcome: 'key-reused', firstSequence: 1, lastSequence: 1 }])
    expect(await events()).toHaveLength(1)
  })
})

describe('an event that should not be in the log', () => {
  const known = { eventType: 'v1.package.created', subjectKind: 'package', subjectId: newPackageId() }
  const { payloadJson: good } = packageCreated()
  const wrongDigest = { ...unknownEvent({ a: 1 }), payloadDigest: unknownEvent({ a: 2 }).payloadDigest }
  const tokenUntil = (expiresAt: string) =>
    eventOf(canonicalJson({ actor: 'x', expiresAt, scopes: ['read'], secretDigest: `blake3:${'0'.repeat(64)}` }), {
      eventType: 'v1.token.issued',
      subjectKind: 'token',
      subjectId: '0'.repeat(32),
    })

  it.each([
    ['a payload that does not have its digest', wrongDigest, 'digest-mismatch', /not the BLAKE3/],
    ['a payload that is no JSON', eventOf('{"a":'), 'invalid-json', /JSON/],
    ['a payload with a key twice', eventOf('{"a":1,"a":1}'), 'invalid-json', /"a"/],
    ['a payload that is no object', eventOf('[1]'), 'invalid-request', /canonical/],
    ['a payload that is not in canonical form: spaces', eventOf('{"a": 1}'), 'invalid-request', /canonical/],
    ['a payload that is not in canonical form: order', eventOf('{"b":1,"a":1}'), 'invalid-request', /canonical/],
    ['a payload that is not in canonical form: numbers', eventOf('{"a":1.0}'), 'invalid-request', /canonical/],
    ['text that no view could hold', eventOf('{"a":"\\u0000"}'), 'invalid-request', /unsupported Unicode escape sequence/],
    ['a known type with another payload', eventOf('{"name":"x"}', known), 'invalid-request', /v1\.package\.created .* catalogue/],
    ['a known type about something else', eventOf(good, { ...known, subjectKind: 'blob' }), 'invalid-request', /about a package/],
    [
      'a package that there could not be',
      eventOf(good, { ...known, subjectId: 'nightly' }),
      'invalid-request',
      /no package that there could be/,
    ],
    ['a time that PostgreSQL does not know', tokenUntil('0000-01-01T00:00:00.000Z'), 'invalid-request', /expiresAt.*year/],
  ])('is refused alone while its neighbours pass: %s', async (_, bad, kind, message) => {
    const { status, body } = await post(service, appends(unknownEvent({ n: 1 }), bad, unknownEvent({ n: 2 })))
    expect(status).toBe(200)
    expect(body.results).toMatchObject([
      { outcome: 'appended' },
      { outcome: 'refused', kind, message: expect.stringMatching(message) },
      { outcome: 'appended' },
    ])
    expect((await events()).map(({ payload }) => payload)).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('keeps the rest of its own append out with it', async () => {
    const { body } = await post(service, { appends: [append([unknownEvent(), eventOf('{"name":"x"}', known)])] })
    expect(body.results).toMatchObject([{ outcome: 'refused' }])
    expect(await events()).toEqual([])
  })

  it('is an error of its kind for whoever appends through the remote log, and for nobody whose append went with it', async () => {
    const log = remoteLog(service)
    const submit = (event: NewEvent) => log.append({ key: randomUUID(), conditions: [], events: [event] })
    const [before, bad, wordy, after] = [
      unknownEvent(),
      wrongDigest,
      { ...unknownEvent(), actor: 'x'.repeat(201) },
      unknownEvent(),
    ].map(submit)
    await expect(bad).rejects.toMatchObject({ kind: 'digest-mismatch', message: expect.stringContaining('not the BLAKE3') })
    await expect(wordy).rejects.toMatchObject({ kind: 'invalid-request', message: expect.stringContaining('events.0.actor') })
    expect(await before).toMatchObject({ outcome: 'appended' })
    expect(await after).toMatchObject({ outcome: 'appended' })
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    expect(metrics).toMatch(/^artifact_store_appends_total\{outcome="refused",reason="digest-mismatch"\} [1-9]/m)
  })
})

describe('what is let through', () => {
  it('is an event of a type that this version does not know, with any payload', async () => {
    const { body } = await post(
      service,
      appends(
        eventOf('{"any":[{"thing":null}]}', { eventType: 'v7.package.painted', subjectKind: 'package', subjectId: 'whatever' }),
      ),
    )
    expect(body.results).toMatchObject([{ outcome: 'appended' }])
  })
})

describe('a request', () => {
  const refusal = (kind: string) => ({ type: `https://artifact-store.dev/problems/${kind}`, kind })

  it.each([
    ['none', {}],
    ['a wrong one', { authorization: 'Bearer another secret of the same kind' }],
    ['one with something behind it', { authorization: `Bearer ${token}x` }],
    ['another scheme', { authorization: `Basic ${btoa('x:y')}` }],
  ])('needs the token: %s', async (_, headers: Record<string, string>) => {
    const response = await fetch(`${service.url}/v1/appends`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(appends(unknownEvent())),
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject(refusal('unauthenticated'))
    expect(await events()).toEqual([])
  })

  it('without the token is an error for whoever appends through the remote log, at once', async () => {
    const log = openRemoteLog({ urls: [new URL(service.url)], token: 'not the right one', patienceMs: 60_000 })
    await expect(log.append({ key: randomUUID(), conditions: [], events: [unknownEvent()] })).rejects.toThrow('401')
  })

  it.each([
    ['no JSON', '{"appends":', 400, 'invalid-json'],
    ['a key twice', `{"appends":[],"appends":[]}`, 400, 'invalid-json'],
    ['no appends', '{"appends":[]}', 400, 'invalid-request'],
    ['something else', '{"appends":[],"more":1}', 400, 'invalid-request'],
    [
      'more appends than one may have',
      JSON.stringify(appends(...Array.from({ length: 1001 }, () => unknownEvent()))),
      400,
      'invalid-request',
    ],
  ])('that makes no sense is refused whole: %s', async (_, body, status, kind) => {
    const answer = await post(service, body)
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject(refusal(kind))
    expect(await events()).toEqual([])
  })

  it.each([
    ['without events', { ...append([unknownEvent()]), events: [] }, 'events.0'],
    ['without a key', { ...append([unknownEvent()]), key: '' }, 'key'],
    ['of a type that is none', append([eventOf('{}', { eventType: 'touched' })]), 'events.0.eventType'],
    ['of something else', 'an append', ''],
  ])('may carry an append that makes no sense, which is refused alone: %s', async (_, bad, field) => {
    const { status, body } = await post(service, { appends: [append([unknownEvent()]), bad, append([unknownEvent()])] })
    expect(status).toBe(200)
    expect(body.results).toMatchObject([
      { outcome: 'appended' },
      { outcome: 'refused', kind: 'invalid-request', message: expect.stringContaining(`not valid at "${field}"`) },
      { outcome: 'appended' },
    ])
  })

  it('is JSON or frames', async () => {
    expect(await post(service, 'appends=1', { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({
      status: 415,
    })
    expect(await post(service, 'no frames', { 'content-type': appendFramesType })).toMatchObject({
      status: 400,
      body: refusal('invalid-request'),
    })
    const headers = { 'content-type': `${appendFramesType}; charset=utf-8`, authorization: `Bearer ${token}` }
    const frames = joinFrames([frameAppend({ key: randomUUID(), conditions: [], events: [unknownEvent({ of: 'frames' })] })])
    const response = await fetch(`${service.url}/v1/appends`, { method: 'POST', headers, body: new Uint8Array(frames) })
    expect(await response.json()).toMatchObject({ results: [{ outcome: 'appended' }] })
    expect((await events()).map(({ payload }) => payload)).toEqual([{ of: 'frames' }])
  })

  it('may carry a query, and nothing but POST', async () => {
    const response = await fetch(`${service.url}/v1/appends?from=test`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(appends(unknownEvent())),
    })
    expect(await response.json()).toMatchObject({ results: [{ outcome: 'appended' }] })
    const wrong = await fetch(`${service.url}/v1/appends`)
    expect(wrong.status).toBe(405)
    expect(wrong.headers.get('allow')).toBe('POST')
  })

  it('may not be longer than 16 MiB: it is refused by its head, before its body comes', async () => {
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    const asking = request(`${service.url}/v1/appends`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': 16 * 2 ** 20 + 1,
      },
    })
    asking.on('response', response => resolve(response.statusCode)).on('error', reject)
    asking.flushHeaders()
    expect(await promise).toBe(413)
    asking.on('error', () => undefined).destroy()
  })

  it('may carry an event of several megabytes', async () => {
    const text = 'x'.repeat(6 * 2 ** 20)
    expect((await post(service, appends(unknownEvent({ text }), unknownEvent()))).body.results).toMatchObject([
      { outcome: 'appended' },
      { outcome: 'appended' },
    ])
    expect((await events())[0]?.payload).toEqual({ text })
  })
})

describe('the log-writer', () => {
  it('tells that it is ready, and how it fares', async () => {
    await post(service, appends(unknownEvent(), unknownEvent(), unknownEvent()))
    await expect
      .poll(async () => (await fetch(`${service.url}/health/ready`)).json(), { timeout: 10_000 })
      .toMatchObject({
        status: 'ready',
        checks: { postgres: { state: 'ok', detail: 'log at 3' }, archive: { state: 'ok', detail: 'off' } },
      })
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    expect(metrics).toMatch(/^artifact_store_append_batch_size_count [1-9]/m)
    expect(metrics).toMatch(/^artifact_store_append_batch_events_count [1-9]/m)
    expect(metrics).toMatch(/^artifact_store_append_batch_duration_seconds_count [1-9]/m)
    expect(metrics).toMatch(/^artifact_store_append_waiting 0$/m)
    expect(metrics).toMatch(/^artifact_store_append_waiting_bytes 0$/m)
    expect(metrics).toMatch(/^artifact_store_append_duration_seconds_count [1-9]/m)
    expect(metrics).toMatch(/^artifact_store_appends_total\{outcome="appended",reason=""\} [1-9]/m)
    expect(metrics).toMatch(/^http_request_duration_seconds_count\{.*route="\/v1\/appends".*status="200"\} [1-9]/m)
    expect(metrics).toMatch(/^artifact_store_database_size_bytes [1-9]\d+$/m)
    expect(metrics).toMatch(/^artifact_store_ready 1$/m)
    expect(metrics).toMatch(/^artifact_store_build_info\{name="log-writer"/m)
  })

  it('never writes the token to its log', () => {
    expect(service.lines.join('\n')).not.toContain(token)
  })
})

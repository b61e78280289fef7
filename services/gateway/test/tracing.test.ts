import { randomBytes } from 'node:crypto'
import { defaultStreamName } from '@artifact-store/log'
import {
  type OtlpReceiver,
  type ReceivedSpan,
  type RunningSystem,
  startOtlpReceiver,
  startSystem,
  startTestNats,
} from '@artifact-store/testkit'
import { connect } from 'nats'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let collector: OtlpReceiver
let nats: Awaited<ReturnType<typeof startTestNats>>
let system: RunningSystem
let api: Api

beforeAll(async () => {
  collector = await startOtlpReceiver()
  nats = await startTestNats()
  system = await startSystem({ env: { ...collector.env, NATS_URL: nats.url } })
  api = apiOf(system)
})
afterAll(async () => {
  await system[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
  await collector[Symbol.asyncDispose]()
})

/** As a client sends it that traces. */
function newTrace() {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } }
}

async function untilTrace(traceId: string, ...names: readonly string[]): Promise<(name: string) => ReceivedSpan> {
  const inTrace = () => collector.spans.filter(span => span.traceId === traceId)
  await expect.poll(() => inTrace().map(span => span.name), { timeout: 20_000 }).toEqual(expect.arrayContaining([...names]))
  return name => inTrace().find(span => span.name === name) ?? expect.unreachable(`no span ${name}`)
}

const everything = [
  'POST /v1/packages',
  'append',
  'POST /v1/appends',
  'append in the log-writer',
  'append batch',
  'publish',
  'project',
]

it('one trace goes from the request through the append, the relay and the projection, across all processes', async () => {
  const { traceId, spanId, headers } = newTrace()
  const answer = await api.call('POST', '/v1/packages', { json: { name: 'ci/nightly', kind: 'evidence' }, headers })
  expect(answer.status).toBe(201)
  const span = await untilTrace(traceId, ...everything)
  const append = span('append')
  expect(span('POST /v1/packages')).toMatchObject({
    service: 'artifact-store-gateway',
    kind: 2,
    parentSpanId: spanId,
    attributes: { 'http.route': '/v1/packages', 'http.response.status_code': 201 },
  })
  expect(append).toMatchObject({ service: 'artifact-store-gateway', parentSpanId: span('POST /v1/packages').spanId })
  for (const [name, service] of [
    ['append in the log-writer', 'artifact-store-log-writer'],
    ['append batch', 'artifact-store-log-writer'],
    ['publish', 'artifact-store-log-writer'],
    ['project', 'artifact-store-projector'],
  ] as const)
    expect(span(name)).toMatchObject({ service, parentSpanId: append.spanId })
  expect(span('append in the log-writer').links).toEqual([span('append batch').spanId])
  // The call itself, as its caller and as the log-writer saw it.
  const calls = collector.spans.filter(call => call.traceId === traceId && call.name === 'POST /v1/appends')
  const [sent, taken] = calls.toSorted((a, b) => b.kind - a.kind)
  expect(sent).toMatchObject({ service: 'artifact-store-gateway', kind: 3, parentSpanId: append.spanId })
  expect(taken).toMatchObject({ service: 'artifact-store-log-writer', kind: 2, parentSpanId: sent?.spanId })
  for (const { startedAt, endedAt } of calls) expect(endedAt).toBeGreaterThan(startedAt)
  expect(span('project').endedAt).toBeGreaterThan(span('append batch').startedAt)
})

it('subscribers find the place of an event in its trace in its message', async () => {
  const { host, username, password } = new URL(nats.url)
  const connection = await connect({ servers: host, user: username, pass: password })
  // Traces run beside the log (ADR 0029): a message that goes out before its trace is known has none.
  const published = async () => {
    const { traceId, headers } = newTrace()
    const answer = await api.call('POST', '/v1/packages', { json: { name: 'ci/nightly', kind: 'evidence' }, headers })
    const span = await untilTrace(traceId, 'append', 'publish')
    const seq = Number(answer.headers.get('artifact-position'))
    const manager = await connection.jetstreamManager()
    const { header } = await manager.streams.getMessage(defaultStreamName, { seq })
    return { found: header.get('ce-traceparent'), expected: `00-${traceId}-${span('append').spanId}-01` }
  }
  try {
    let message = await published()
    for (let attempt = 1; attempt < 10 && message.found === ''; attempt += 1) message = await published()
    expect(message.found).toBe(message.expected)
  } finally {
    await connection.close()
  }
})

it('requests whose writes go together keep a trace each, which are linked', async () => {
  const id = await api.createPackage()
  const traces = Array.from({ length: 10 }, newTrace)
  await Promise.all(
    traces.map(({ headers }, i) => api.call('PUT', `/v1/packages/${id}/files/file-${i}`, { body: `file ${i}`, headers })),
  )
  const route = 'PUT /v1/packages/:id/files/:path{.+}'
  const requests = await Promise.all(traces.map(async ({ traceId }) => (await untilTrace(traceId, route))(route).spanId))
  const told = () => {
    const appends = collector.spans.filter(span => span.name === 'append')
    return new Set(appends.flatMap(span => [...span.links, span.parentSpanId]))
  }
  for (const request of requests) await expect.poll(() => told().has(request), { timeout: 20_000 }).toBe(true)
})

it('log lines of a traced request have its trace, and nobody is traced who does not want to be', async () => {
  const { traceId, spanId, headers } = newTrace()
  await api.call('POST', '/v1/packages', { json: { name: 'ci/nightly', kind: 'evidence' }, headers })
  await untilTrace(traceId, 'project')
  expect(system.gateway.lines.filter(line => line.includes(`"trace_id":"${traceId}"`))).not.toHaveLength(0)
  const unsampled = randomBytes(16).toString('hex')
  await api.call('POST', '/v1/packages', {
    json: { name: 'ci/nightly', kind: 'evidence' },
    headers: { traceparent: `00-${unsampled}-${spanId}-00` },
  })
  // A later one has arrived, so this one would have.
  const later = newTrace()
  await api.call('POST', '/v1/packages', { json: { name: 'ci/nightly', kind: 'evidence' }, headers: later.headers })
  await untilTrace(later.traceId, ...everything)
  expect(collector.spans.filter(span => span.traceId === unsampled)).toEqual([])
  expect(collector.spans.filter(span => /health|metrics/.test(span.name))).toEqual([])
})

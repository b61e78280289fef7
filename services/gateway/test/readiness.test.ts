import { rename } from 'node:fs/promises'
import { type RunningSystem, startSystem, startTcpProxy, startTestNats } from '@artifact-store/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { apiOf } from './api.ts'

let system: RunningSystem
let nats: Awaited<ReturnType<typeof startTestNats>>

beforeAll(async () => {
  nats = await startTestNats()
  system = await startSystem({ env: { NATS_URL: nats.url } })
})
afterAll(async () => {
  await system[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

const byName = (a: string, b: string) => (a < b ? -1 : 1)

type Check = Readonly<Record<'state' | 'since' | 'detail', string>>

async function readiness(gateway = system.gateway) {
  const response = await fetch(`${gateway.url}/health/ready`)
  const { status, checks } = (await response.json()) as { status: string; checks: Readonly<Record<string, Check>> }
  const not = (state: string) =>
    Object.keys(checks)
      .filter(name => checks[name]?.state === state)
      .toSorted(byName)
  return { http: response.status, status, checks, failing: not('failing'), warning: not('warning') }
}

async function untilReadiness(expected: object, gateway = system.gateway): Promise<void> {
  await expect.poll(() => readiness(gateway), { timeout: 20_000, interval: 100 }).toMatchObject(expected)
}

it('names everything that a gateway depends on, each by itself', async () => {
  await untilReadiness({ http: 200, status: 'ready', failing: [], warning: [] })
  const { checks } = await readiness()
  expect(Object.keys(checks).toSorted(byName)).toEqual(['archive', 'blobs', 'disk', 'log-writer', 'nats', 'postgres', 'views'])
  expect(checks).toMatchObject({
    disk: { detail: expect.stringMatching(/^[\d.]+ GB of [\d.]+ GB are free$/) },
    views: { detail: expect.stringMatching(/^views at \d+, log at \d+$/) },
  })
})

it('warns that the broker is away, and stays ready', async () => {
  await nats[Symbol.asyncDispose]()
  await untilReadiness({ http: 200, warning: ['nats'], failing: [] })
  nats = await startTestNats({ insteadOf: nats })
  await untilReadiness({ http: 200, warning: [], failing: [] })
})

it('is not ready without its blobs, and says so of nothing else', async () => {
  await rename(system.blobs, `${system.blobs}-away`)
  await untilReadiness({ http: 503, status: 'unready', failing: ['blobs', 'disk'] })
  expect((await readiness()).checks).toMatchObject({
    blobs: { detail: expect.stringContaining('check that the directory is there and is mounted') },
  })
  await rename(`${system.blobs}-away`, system.blobs)
  await untilReadiness({ http: 200, failing: [] })
})

it('is not ready when its database is silent, and says so all the same', async () => {
  const url = new URL(system.database.urlFor('gateway'))
  await using proxy = await startTcpProxy(Number(url.port))
  url.port = String(proxy.port)
  await using gateway = await system.startGateway({ DATABASE_URL: url.href })
  proxy.holdAnswers()
  await untilReadiness({ http: 503, failing: expect.arrayContaining(['postgres', 'views']) }, gateway)
  expect((await readiness(gateway)).checks).toMatchObject({ postgres: { detail: 'no answer within 2000 ms' } })
  proxy.releaseAnswers()
  await untilReadiness({ http: 200, failing: [] }, gateway)
})

it('warns that the views stand still once writers no longer wait for them, and stays ready', async () => {
  await system.projector.kill()
  const written = await apiOf(system).call('POST', '/v1/packages', {
    json: { name: 'ci/nightly', kind: 'evidence' },
    headers: { prefer: 'respond-async' },
  })
  expect([201, 202, 503]).toContain(written.status)
  // An hour ago, as the views see it.
  await system.database.pool.query('alter table log.events disable trigger user')
  await system.database.pool.query("update log.events set created_at = created_at - interval '1 hour'")
  await untilReadiness({ http: 200, warning: ['views'], failing: [] })
  expect((await readiness()).checks).toMatchObject({
    views: { detail: expect.stringMatching(/was written 36\d\d s ago is not shown yet/) },
  })
})

it('is not ready without a log-writer', async () => {
  await system.logWriter.kill()
  await untilReadiness({ http: 503, failing: ['log-writer'] })
})

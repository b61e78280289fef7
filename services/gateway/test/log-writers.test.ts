import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase, type ServiceUnderTest, startService } from '@artifact-store/testkit'
import { expect, it, onTestFinished } from 'vitest'

const token = 'the-first-admin-token'
const logWriterToken = 'the secret of those who append'

it('a gateway with two log-writers writes as long as one of them works, and says so', { timeout: 120_000 }, async () => {
  const blobs = await mkdtemp(join(tmpdir(), 'artifact-store-blobs-'))
  onTestFinished(() => rm(blobs, { recursive: true, force: true }))
  await using database = await createTestDatabase()
  const logWriter = () =>
    startService('log-writer', { env: { DATABASE_URL: database.urlFor('log_writer'), LOG_WRITER_TOKEN: logWriterToken } })
  await using preferred = await logWriter()
  await using standby = await logWriter()
  await using _projector = await startService('projector', { env: { DATABASE_URL: database.urlFor('projector') } })
  await using gateway = await startService('gateway', {
    env: {
      DATABASE_URL: database.urlFor('gateway'),
      LOG_WRITER_URL: `${preferred.url}, ${standby.url}`,
      LOG_WRITER_TOKEN: logWriterToken,
      BLOBS_URL: `fs://${blobs}`,
      BOOTSTRAP_TOKEN: token,
    },
  })
  expect(await createPackage(gateway)).toBe(201)
  await preferred.kill()
  expect(await createPackage(gateway)).toBe(201)
  await expect
    .poll(() => logWriterCheck(gateway), { timeout: 10_000 })
    .toEqual({
      status: 200,
      check: expect.objectContaining({ ok: true, detail: `${new URL(standby.url).host} is ready` }),
    })
  await standby.kill()
  await expect.poll(() => logWriterCheck(gateway), { timeout: 10_000 }).toMatchObject({ status: 503, check: { ok: false } })
})

async function createPackage(gateway: ServiceUnderTest): Promise<number> {
  const response = await fetch(`${gateway.url}/v1/packages`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ci/nightly', kind: 'evidence' }),
  })
  await response.body?.cancel()
  return response.status
}

async function logWriterCheck(gateway: ServiceUnderTest) {
  const response = await fetch(`${gateway.url}/health/ready`)
  const { checks } = (await response.json()) as { checks: Record<string, unknown> }
  return { status: response.status, check: checks['log-writer'] }
}

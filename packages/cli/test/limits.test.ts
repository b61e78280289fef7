import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { startSystem } from '@artifact-store/testkit'
import { expect, it } from 'vitest'
import { run } from '../src/run.ts'

it('push waits as long as it is asked to where its token has limits, and leaves nothing out', async () => {
  await using system = await startSystem()
  const { url } = await system.startGateway({
    TOKEN_MAX_REQUESTS: '4',
    TOKEN_REQUESTS_PER_SECOND: '20',
    TOKEN_REQUESTS_BURST: '10',
  })
  await using directory = await mkdtempDisposable(join(tmpdir(), 'limits-'))
  // Each too large to share a request with others.
  const names = Array.from({ length: 30 }, (_, i) => `file-${i}`)
  for (const name of names) await writeFile(join(directory.path, name), name.repeat(200_000))
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const args = ['push', directory.path, '--name', 'ci/limited', '--kind', 'logs', '--url', url, '--token', system.token, '--json']
  expect(await run(args, { stdout, stderr, signal: new AbortController().signal })).toBe(0)
  expect(JSON.parse(String(stdout.read()))).toMatchObject({ fileCount: names.length })
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const refused = [...metrics.matchAll(/^artifact_store_limit_refusals_total\{limit="(?:rate|concurrency)"\} (\d+)$/gm)]
  expect(refused.reduce((sum, [, count]) => sum + Number(count), 0)).toBeGreaterThan(0)
})

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { run } from '../src/run.ts'

it('the backends are shown as a table of what was found', async () => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const capabilities = [
      { capability: 'range', works: true, seen: 'parts came as they were asked for' },
      { capability: 'copy', works: false, seen: 'the copy had other bytes' },
    ]
    const backends = [
      { name: 'primary', role: 'primary', address: 's3://artifacts/one', examinedAt: '2026-11-23T01:02:03.004Z', capabilities },
      { name: 'older-1', role: 'older', address: 's3://artifacts/two', trouble: 'make the bucket', capabilities: [] },
    ]
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ backends }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const args = ['admin', 'backends', '--probe', '--url', url, '--token', 't']
  expect(await run(args, { stdout, stderr, signal: new AbortController().signal })).toBe(0)
  expect(String(stdout.read())).toBe(
    [
      'name      primary',
      'role      primary',
      'address   s3://artifacts/one',
      'examined  2026-11-23T01:02:03.004Z',
      '',
      'CAPABILITY  WORKS  SEEN',
      'range       yes    parts came as they were asked for',
      'copy        no     the copy had other bytes',
      '',
      'name      older-1',
      'role      older',
      'address   s3://artifacts/two',
      'examined  not yet',
      'trouble   make the bucket',
      '',
    ].join('\n'),
  )
  expect(asked).toEqual(['POST /v1/backends/examine'])
  await new Promise(resolve => server.close(resolve))
})

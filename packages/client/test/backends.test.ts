import { expect, it } from 'vitest'
import type { MigrationLine } from '../src/index.ts'
import { sendJson, useSmallServers } from './small-server.ts'

const serve = useSmallServers()
const backend = { address: 's3://artifacts', capabilities: [{ capability: 'range', works: true, seen: 'it works', new: 1 }] }

it('the backends are told as the gateway knows them, and examined when that is asked for', async () => {
  const server = await serve((_, response) => sendJson(response, 200, { backends: [backend] }))
  using client = server.client()
  expect(await client.backends.list()).toEqual([backend])
  expect(await client.backends.examine()).toEqual([backend])
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /v1/backends', 'POST /v1/backends/examine'])
})

it('a migration is told line by line, to its summary', async () => {
  const soFar = { blobs: 2, bytes: 9, copied: 1, copiedBytes: 4, removed: 0, damaged: 1 }
  const lines = [
    { kind: 'damaged', digest: 'blake3:00', store: 'older-1' },
    { kind: 'progress', ...soFar, fraction: 0.5 },
    { done: true, from: 'older-1', to: 'primary', ...soFar },
  ]
  const server = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.end(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
  })
  using client = server.client()
  const told: MigrationLine[] = []
  for await (const line of client.backends.migrate({ from: 'older-1', to: 'primary' })) told.push(line)
  expect(told).toEqual([...lines.slice(0, 2), { kind: 'summary', from: 'older-1', to: 'primary', ...soFar }])
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /v1/backends/migrate'])
})

import { expect, it } from 'vitest'
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

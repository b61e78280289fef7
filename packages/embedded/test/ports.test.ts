import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { freePort, isPortFree, requirePort } from '../src/ports.ts'

it('finds a port that can be listened on', async () => {
  const port = await freePort()
  expect(await isPortFree(port)).toBe(true)
  await requirePort('127.0.0.1', port, 'set X')
})

it('says in a sentence that a port is in use and what to set', async () => {
  const port = await freePort()
  const server = createServer().listen(port, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  expect(await isPortFree(port)).toBe(false)
  await expect(requirePort('127.0.0.1', port, 'set ARTIFACT_STORE_PORT to another port')).rejects.toMatchObject({
    kind: 'configuration',
    message: `port ${port} is in use on 127.0.0.1: stop what listens there, or set ARTIFACT_STORE_PORT to another port`,
  })
  await new Promise(resolve => server.close(resolve))
})

it('says that an address is not one of this machine', async () => {
  // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
  await expect(requirePort('192.0.2.1', await freePort(), 'set X')).rejects.toThrow(
    '"192.0.2.1" is not an address of this machine',
  )
})

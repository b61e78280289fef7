import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { eventually } from '../../src/eventually.ts'
import { openLink } from '../../src/faults/world/link.ts'

let resources = new AsyncDisposableStack()
afterEach(async () => {
  await resources.disposeAsync()
  resources = new AsyncDisposableStack()
})

it('carries what both sides say, and that each hangs up', async () => {
  const { client, server, heard } = await connected()
  client.end('hello')
  await eventually('it is heard', () => heard.server() === 'hello' || undefined)
  server.end('good bye')
  await closed(client)
  expect(heard.client()).toBe('good bye')
})

it('breaks connections that are there, and lets nobody in while it refuses', async () => {
  const { link, client, server, served } = await connected()
  const heal = link.impair({ kind: 'refuse' })
  const both = Promise.all([closed(client), closed(server)])
  link.cut('reset')
  await both
  await closed(use(dial(link.port, '127.0.0.1')))
  heal()
  const again = use(dial(link.port, '127.0.0.1'))
  again.write('hello')
  await eventually('it is heard again', () => (served.at(-1)?.bytesRead ?? 0) > 0 || undefined)
})

it('keeps back what goes in one direction while that is stalled, and loses nothing of it', async () => {
  const { link, client, server, heard } = await connected()
  const heal = link.impair({ kind: 'stall', directions: ['answers'] })
  client.write('a request')
  await eventually('the request is heard', () => heard.server() === 'a request' || undefined)
  server.write('an answer')
  client.write(', and more')
  await eventually('the rest is heard', () => heard.server() === 'a request, and more' || undefined)
  expect(heard.client()).toBe('')
  heal()
  await eventually('the answer is heard', () => heard.client() === 'an answer' || undefined)
})

it('keeps from one side, while it is stalled, that the other is gone', async () => {
  const { link, client, server } = await connected()
  const heal = link.impair({ kind: 'stall', directions: ['requests', 'answers'] })
  const gone = closed(client)
  server.resetAndDestroy()
  await closed(server)
  client.write('is anybody there?')
  expect(client.closed).toBe(false)
  heal()
  await gone
})

it('abandons the connections that are there, and carries new ones', async () => {
  const { link, client, served } = await connected()
  link.abandon(3_600_000)
  client.write('is anybody there?')
  const another = use(dial(link.port, '127.0.0.1'))
  another.write('hello')
  await eventually('the new one is heard', () => (served.at(-1)?.bytesRead === 5 && served.length === 2) || undefined)
  expect(served[0]?.bytesRead).toBe(0)
  expect(client.closed).toBe(false)
})

it('breaks a connection in the middle of what is said', async () => {
  const { link, client, heard } = await connected()
  link.tear('requests', 4)
  const gone = closed(client)
  client.write('hello')
  await gone
  // A reset may overtake what was said before it.
  expect(['hell', '']).toContain(heard.server())
})

it('lets pass as much as a slow network would, and all of it as soon as that is over', async () => {
  const { link, client, heard } = await connected()
  const heal = link.impair({ kind: 'slow', delayMs: 0, bytesPerSecond: 0.001 })
  client.write('hello')
  await eventually('the link has it', () => client.bytesWritten === 5 || undefined)
  expect(heard.server()).toBe('')
  heal()
  await eventually('it is heard', () => heard.server() === 'hello' || undefined)
})

/** A client and a server with a link between them. */
async function connected() {
  const served: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    served.push(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  resources.defer(() => void server.close())
  const link = resources.use(await openLink('test'))
  link.leadTo((server.address() as AddressInfo).port)
  const client = use(dial({ port: link.port, host: '127.0.0.1', allowHalfOpen: true }))
  const far = use(await eventually('somebody is served', () => served[0]))
  const heard = { client: collect(client), server: collect(far) }
  return { link, client, server: far, served, heard }
}

function use(socket: Socket): Socket {
  socket.on('error', () => {})
  resources.defer(() => void socket.destroy())
  return socket
}

/** Also when it breaks. */
function closed(socket: Socket): Promise<void> {
  return new Promise(resolve => socket.once('close', () => resolve()))
}

function collect(socket: Socket): () => string {
  const pieces: Buffer[] = []
  socket.on('data', piece => pieces.push(piece))
  return () => Buffer.concat(pieces).toString()
}

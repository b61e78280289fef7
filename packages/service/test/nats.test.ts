import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedNats, freePort, startNats } from '@artifact-store/embedded'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectNats } from '../src/index.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

let directory = ''
let port = 0
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'artifact-store-nats-'))
  port = await freePort()
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(directory, { recursive: true, force: true })
})

const password = 'p@ss/word'
const startServer = (): Promise<EmbeddedNats> => startNats({ directory, port, user: 'me', password })
const url = (): string => `nats://me:${encodeURIComponent(password)}@127.0.0.1:${port}`

describe('a connection to NATS', () => {
  it('waits for the server to come up', async () => {
    const { logger, logged } = recordingLogger()
    const connecting = connectNats(url(), { name: 'test', logger, signal: AbortSignal.timeout(20_000) })
    await logged('NATS does not answer yet; waiting for it')
    await using _server = await startServer()
    await using nats = await connecting
    expect(nats.connected()).toBe(true)
    await nats.connection.flush()
  })

  it('comes back by itself when the server was away', async () => {
    const { logger, logged } = recordingLogger()
    const server = await startServer()
    await using nats = await connectNats(url(), { name: 'test', logger, signal: AbortSignal.timeout(20_000) })
    await server.kill()
    await logged('the connection to NATS broke; connecting anew')
    expect(nats.connected()).toBe(false)
    await using _again = await startServer()
    await logged('connected to NATS again')
    expect(nats.connected()).toBe(true)
    await nats.connection.flush()
  })

  it('comes back by itself, too, when the clock was stepped back by an hour while the server was away', async () => {
    const { logger, logged } = recordingLogger()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    const server = await startServer()
    await using nats = await connectNats(url(), { name: 'test', logger, signal: AbortSignal.timeout(20_000) })
    await server.kill()
    await logged('the connection to NATS broke; connecting anew')
    vi.useRealTimers()
    await using _again = await startServer()
    await logged('connected to NATS again')
    await nats.connection.flush()
  })

  it('flushes what was published when it is disposed of', async () => {
    const { logger } = recordingLogger()
    const signal = AbortSignal.timeout(20_000)
    await using _server = await startServer()
    await using reader = await connectNats(url(), { name: 'reader', logger, signal })
    const subscription = reader.connection.subscribe('greetings', { max: 100 })
    await reader.connection.flush()
    {
      await using writer = await connectNats(url(), { name: 'writer', logger, signal })
      for (let n = 0; n < 100; n++) writer.connection.publish('greetings', String(n))
    }
    const heard: string[] = []
    for await (const message of subscription) heard.push(message.string())
    expect(heard).toHaveLength(100)
  })

  it('can be disposed of while the server is away', async () => {
    const { logger, logged } = recordingLogger()
    const server = await startServer()
    const nats = await connectNats(url(), { name: 'test', logger, signal: AbortSignal.timeout(20_000) })
    await server.kill()
    await logged('the connection to NATS broke; connecting anew')
    await nats[Symbol.asyncDispose]()
    expect(nats.connected()).toBe(false)
  })

  it('stops waiting with its signal', async () => {
    const { logger, logged } = recordingLogger()
    const stop = new AbortController()
    const connecting = connectNats(url(), { name: 'test', logger, signal: stop.signal })
    await logged('NATS does not answer yet; waiting for it')
    stop.abort()
    await expect(connecting).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('does not wait where the server refuses the password', async () => {
    const { logger } = recordingLogger()
    await using _server = await startServer()
    const connecting = connectNats(`nats://me:wrong@127.0.0.1:${port}`, {
      name: 'test',
      logger,
      signal: AbortSignal.timeout(20_000),
    })
    await expect(connecting).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' })
  })
})

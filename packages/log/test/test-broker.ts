import { randomBytes } from 'node:crypto'
import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type EmbeddedNats, startNats } from '@artifact-store/embedded'
import { connect, type NatsConnection } from 'nats'
import { inject } from 'vitest'

/** Where a stream lies on disk. */
export interface StreamFiles {
  readonly directory: string
  /** Its blocks of messages, in their order. */
  readonly blocks: readonly string[]
}

/** A NATS server with files of its own, which can be killed, loses its files, and comes back on the same port. */
export interface TestBroker extends AsyncDisposable {
  readonly url: string
  start(): Promise<void>
  /** As an operator does. */
  stop(): Promise<void>
  /** With SIGKILL. */
  kill(): Promise<void>
  /** Has it take no step, with its connections open, or go on. */
  freeze(frozen: boolean): void
  /** The files as they are; the server must be down. */
  saveFiles(): Promise<void>
  restoreFiles(): Promise<void>
  loseFiles(): Promise<void>
  /** Does something to the files of that stream; the server must be down. */
  damage(stream: string, harm: (files: StreamFiles) => Promise<void>): Promise<void>
  /** A connection of a subscriber or an operator. */
  connect(): Promise<NatsConnection & AsyncDisposable>
}

export async function startBroker(options: { maxPayload?: number } = {}): Promise<TestBroker> {
  const directory = join(inject('artifactStore').directory, `nats-${randomBytes(4).toString('hex')}`)
  const saved = `${directory}-saved`
  const login = { user: 'relay', password: 'a secret: @/' }
  let server: EmbeddedNats = await startNats({ directory, ...login, ...options })
  const { port, url } = server
  return {
    url,
    async start() {
      server = await startNats({ directory, port, ...login, ...options })
    },
    stop: () => server.stop(),
    kill: () => server.kill(),
    freeze(frozen) {
      process.kill(server.pid, frozen ? 'SIGSTOP' : 'SIGCONT')
    },
    saveFiles: () => cp(join(directory, 'jetstream'), saved, { recursive: true }),
    async restoreFiles() {
      await rm(join(directory, 'jetstream'), { recursive: true })
      await cp(saved, join(directory, 'jetstream'), { recursive: true })
    },
    async loseFiles() {
      await rm(join(directory, 'jetstream'), { recursive: true })
      await mkdir(join(directory, 'jetstream'))
    },
    async damage(stream, harm) {
      const files = await readdir(join(directory, 'jetstream'), { recursive: true })
      const found = files.find(file => file.endsWith(join('streams', stream)))
      if (found === undefined) throw new Error(`no stream ${stream} lies in ${directory}`)
      const messages = join(directory, 'jetstream', found, 'msgs')
      const blocks = (await readdir(messages)).filter(file => file.endsWith('.blk'))
      blocks.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
      await harm({ directory: join(messages, '..'), blocks: blocks.map(block => join(messages, block)) })
    },
    async connect() {
      const connection = await connect({
        servers: `127.0.0.1:${port}`,
        user: login.user,
        pass: login.password,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 50,
      })
      return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() })
    },
    async [Symbol.asyncDispose]() {
      await server.kill()
      for (const files of [directory, saved]) await rm(files, { recursive: true, force: true })
    },
  }
}

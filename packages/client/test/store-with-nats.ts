import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NewEvent, StoredEvent } from '@artifact-store/core'
import { type EmbeddedNats, startNats } from '@artifact-store/embedded'
import { eventSource, openPostgresLog, postgresLogReader, toCloudEvent } from '@artifact-store/log'
import {
  createTestDatabase,
  newNatsDirectory,
  type ServiceUnderTest,
  startService,
  type TestDatabase,
} from '@artifact-store/testkit'
import { connect, type JetStreamManager, type NatsConnection } from 'nats'
import { expect } from 'vitest'
import { ArtifactStoreClient, type StoreEvent } from '../src/index.ts'

/** A store whose parts can be killed and come back as they were: on the same addresses, and NATS with the same files. */
export interface StoreWithNats extends AsyncDisposable {
  readonly database: TestDatabase
  readonly natsUrl: string
  /** Of the gateway. */
  readonly url: string
  readonly token: string
  client(): ArtifactStoreClient
  append(...events: readonly NewEvent[]): Promise<void>
  killNats(): Promise<void>
  startNats(): Promise<void>
  killGateway(): Promise<void>
  startGateway(): Promise<void>
  /** The process that relays. Others may append all the same. */
  stopLogWriter(): Promise<void>
  /** Asks something of JetStream, over a connection of its own. */
  askNats<T>(question: (manager: JetStreamManager, connection: NatsConnection) => Promise<T>): Promise<T>
}

export interface StoreOptions {
  /** The largest message of the broker, in bytes. */
  readonly maxPayload?: number
  /** False: nobody fills the stream, so a test may. */
  readonly relay?: boolean
  /** Done before anything is relayed. */
  readonly prepare?: (manager: JetStreamManager) => Promise<unknown>
}

export async function startStoreWithNats({ maxPayload, relay = true, prepare }: StoreOptions = {}): Promise<StoreWithNats> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'artifact-store-subscribers-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const database = stack.use(await createTestDatabase())
  const natsDirectory = newNatsDirectory()

  const broker = () => startNats({ directory: natsDirectory, port: nats?.port, user: 'test', password: 'secret', maxPayload })
  let nats: EmbeddedNats | undefined
  nats = await broker()
  stack.defer(() => nats?.stop())
  const natsUrl = nats.url
  const askNats: StoreWithNats['askNats'] = async question => {
    const connection = await connect({ servers: new URL(natsUrl).host, user: 'test', pass: 'secret' })
    try {
      return await question(await connection.jetstreamManager(), connection)
    } finally {
      await connection.close()
    }
  }
  if (prepare) await askNats(prepare)

  const token = 'a-token-for-tests'
  const logWriterToken = 'a-log-writer-token'
  const logWriter = stack.use(
    await startService('log-writer', {
      env: {
        DATABASE_URL: database.urlFor('log_writer'),
        LOG_WRITER_TOKEN: logWriterToken,
        ...(relay ? { NATS_URL: natsUrl } : {}),
      },
    }),
  )
  stack.use(await startService('projector', { env: { DATABASE_URL: database.urlFor('projector') } }))
  const startGateway = (port = '0') =>
    startService('gateway', {
      env: {
        DATABASE_URL: database.urlFor('gateway'),
        LOG_WRITER_URL: logWriter.url,
        LOG_WRITER_TOKEN: logWriterToken,
        BLOBS_URL: `fs://${join(directory, 'blobs')}`,
        BOOTSTRAP_TOKEN: token,
        PORT: port,
      },
    })
  let gateway: ServiceUnderTest = await startGateway()
  stack.defer(() => gateway[Symbol.asyncDispose]())
  const { url } = gateway
  const log = openPostgresLog(database.poolFor('log_writer'))

  const started = stack.move()
  return {
    database,
    natsUrl,
    url,
    token,
    askNats,
    client: () => new ArtifactStoreClient({ url, token, retry: { firstDelayMs: 20, longestDelayMs: 200 } }),
    async append(...events) {
      const [first, ...others] = events
      if (first) await log.append({ key: crypto.randomUUID(), conditions: [], events: [first, ...others] })
    },
    killNats: async () => nats?.kill(),
    startNats: async () => {
      nats = await broker()
    },
    killGateway: () => gateway.kill(),
    startGateway: async () => {
      gateway = await startGateway(new URL(url).port)
    },
    stopLogWriter: async () => void (await logWriter.stop()),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

export async function wholeLog({ database }: StoreWithNats): Promise<StoredEvent[]> {
  const reader = postgresLogReader(database.pool)
  const log: StoredEvent[] = []
  for (;;) {
    const page = await reader.fetchSince(log.length, 10_000)
    if (page.length === 0) return log
    log.push(...page)
  }
}

export function head({ database }: StoreWithNats): Promise<number> {
  return postgresLogReader(database.pool).head()
}

/** These are the log's events behind a position, each with all that the log says of it. */
export async function expectTheLog(store: StoreWithNats, events: readonly StoreEvent[], after = 0): Promise<void> {
  expect(events).toEqual((await wholeLog(store)).slice(after).map(event => toCloudEvent(event, eventSource)))
}

import { randomUUID } from 'node:crypto'
import { blake3, canonicalJson, type NewEvent, type StoredEvent } from '@artifact-store/core'
import {
  type Bell,
  createBell,
  defaultStreamName,
  type EventStream,
  type JetStreamOptions,
  type LogReader,
  maxFetch,
  openJetStream,
  openPostgresLog,
  type PostgresLog,
  type RelayOptions,
  type RelayStatus,
  runRelay,
} from '@artifact-store/log'
import { createTestDatabase, type TestDatabase } from '@artifact-store/testkit'
import type { JetStreamManager, NatsConnection } from 'nats'
import { Client, Pool } from 'pg'
import { expect, inject } from 'vitest'
import type { TestBroker } from './test-broker.ts'

export interface TestLog extends PostgresLog, AsyncDisposable {
  /** Of its database. */
  readonly url: string
  readonly bell: Bell
  /** Appends so many events, ten to an append, and rings. */
  grow(count: number, note?: (index: number) => Note): Promise<void>
  /** Cuts the log's connections and lets it make no other, or lets it again. */
  shutOut(out: boolean): Promise<void>
  /** Another log that begins with all that this one holds now, as when a copy of the database is brought up beside it. */
  branch(): Promise<TestLog>
}

interface Note {
  readonly subjectId?: string
  readonly text?: string
}

export async function openLog(): Promise<TestLog> {
  return logIn(await createTestDatabase())
}

function logIn(database: Pick<TestDatabase, 'name' | 'url'> & AsyncDisposable): TestLog {
  const pool = new Pool({ connectionString: database.url })
  // A connection that is cut while idle.
  pool.on('error', () => undefined)
  const log = openPostgresLog(pool)
  const bell = createBell()
  return {
    ...log,
    url: database.url,
    bell,
    async grow(count, note = () => ({})) {
      const appends: Promise<unknown>[] = []
      for (let start = 0; start < count; start += 10) {
        const [first, ...others] = Array.from({ length: Math.min(10, count - start) }, (_, i) => noteWritten(note(start + i)))
        if (first)
          appends.push(log.append({ key: randomUUID(), conditions: [], events: [first, ...others] }).then(() => bell.ring()))
      }
      await Promise.all(appends)
    },
    shutOut: out => asAdmin(admin => shutOut(admin, database.name, out)),
    async branch() {
      const url = new URL(database.url)
      const name = `${database.name}_${randomUUID().slice(0, 8)}`
      url.pathname = `/${name}`
      await asAdmin(async admin => {
        await shutOut(admin, database.name, true)
        await admin.query(`create database ${name} template ${database.name}`)
        await shutOut(admin, database.name, false)
      })
      const drop = () => asAdmin(admin => admin.query(`drop database ${name} with (force)`))
      return logIn({ name, url: url.href, [Symbol.asyncDispose]: async () => void (await drop()) })
    },
    async [Symbol.asyncDispose]() {
      await pool.end()
      await database[Symbol.asyncDispose]()
    },
  }
}

async function asAdmin<T>(work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: inject('artifactStore').adminUrl })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}

async function shutOut(admin: Client, database: string, out: boolean): Promise<void> {
  await admin.query(`alter database ${database} allow_connections ${!out}`)
  if (out) await admin.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [database])
}

function noteWritten({ subjectId = `note-${randomUUID()}`, text = '' }: Note): NewEvent {
  const payloadJson = canonicalJson({ text, nonce: randomUUID() })
  return {
    eventType: 'v1.note.written',
    subjectKind: 'note',
    subjectId,
    actor: 'ci',
    payloadJson,
    payloadDigest: blake3(payloadJson),
  }
}

export interface TestRelay extends AsyncDisposable {
  readonly status: RelayStatus
  readonly stream: EventStream
  /** The first status from now on, the present one included, for which this holds. */
  until(holds: (status: RelayStatus) => boolean): Promise<RelayStatus>
}

type Overrides = Partial<Omit<RelayOptions, 'log' | 'stream'>> & {
  readonly jetStream?: Partial<JetStreamOptions>
  /** Stands between the relay and its stream. */
  readonly through?: (stream: EventStream) => EventStream
}

export function startRelay(broker: TestBroker, log: LogReader & { readonly bell?: Bell }, overrides: Overrides = {}): TestRelay {
  const stream = openJetStream({ url: broker.url, source: '/artifact-store', timeoutMs: 1000, ...overrides.jetStream })
  const stop = new AbortController()
  const changed = createBell()
  let status: RelayStatus = { state: 'starting', streamSequence: 0, logSequence: 0 }
  const onState = (next: RelayStatus) => {
    status = next
    changed.ring()
  }
  const running = runRelay({
    bell: createBell(),
    lookEveryMs: 100,
    ...log,
    ...overrides,
    log,
    stream: overrides.through?.(stream) ?? stream,
    signal: stop.signal,
    onState,
  })
  return {
    get status() {
      return status
    },
    stream,
    async until(holds) {
      while (!holds(status)) await changed.wait(changed.count, 1000)
      return status
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await stream[Symbol.asyncDispose]()
    },
  }
}

/** A condition for `until`: the stream is known to be at that number. */
export function at(sequence: number): (status: RelayStatus) => boolean {
  return status => status.state === 'relaying' && status.streamSequence === sequence
}

/** One message of a stream as a plain consumer gets it. */
export interface Received {
  readonly sequence: number
  readonly subject: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** All messages of the stream, by a consumer that knows nothing of this package. */
export async function consume(connection: NatsConnection, filter?: string): Promise<Received[]> {
  const consumer = await connection.jetstream().consumers.get(defaultStreamName, filter ? { filterSubjects: filter } : {})
  const { num_pending: pending } = await consumer.info()
  const received: Received[] = []
  while (received.length < pending) {
    for await (const message of await consumer.fetch({ max_messages: pending - received.length, expires: 2000 })) {
      const headers = Object.fromEntries((message.headers?.keys() ?? []).map(key => [key, message.headers?.get(key) ?? '']))
      received.push({ sequence: message.seq, subject: message.subject, headers, body: message.string() })
      if (received.length === pending) break
    }
  }
  return received
}

/** Every event of the log is in the stream once, whole, under its own number, and nothing else is. */
export async function expectSameNumbers(broker: TestBroker, log: LogReader): Promise<void> {
  await using connection = await broker.connect()
  const events = await log.fetchSince(0, maxFetch)
  const messages = await consume(connection)
  expect(messages.map(m => [m.sequence, m.headers['ce-id'], m.body])).toEqual(
    events.map(e => [e.sequence, String(e.sequence), e.payloadJson]),
  )
}

/** The log's events behind `after` up to `to`, for publishing them by hand. */
export async function eventsOf(log: LogReader, after: number, to: number): Promise<[StoredEvent, ...StoredEvent[]]> {
  const [first, ...others] = await log.fetchSince(after, to - after)
  if (!first) throw new Error(`the log has nothing behind ${after}`)
  return [first, ...others]
}

/** Returns when the stream has as many messages as the log has events: the relay itself hears late of what an operator does. */
export async function untilWhole(broker: TestBroker, log: LogReader): Promise<void> {
  const head = await log.head()
  const state = () =>
    operate(broker, async manager => (await manager.streams.info(defaultStreamName)).state).catch(() => undefined)
  await expect.poll(state, { timeout: 20_000 }).toMatchObject({ messages: head, last_seq: head })
}

/** What an operator does to the stream by hand. */
export async function operate<T>(broker: TestBroker, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  await using connection = await broker.connect()
  return await work(await connection.jetstreamManager())
}

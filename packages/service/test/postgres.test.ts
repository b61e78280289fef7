import { connect, createServer, type Socket } from 'node:net'
import { createTestDatabase, startTcpProxy, type TestDatabase } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isConnectionError, listen, openPool, waitForPostgres } from '../src/index.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'
import { silentLogger as logger } from './fixtures/silent-logger.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ migrated: false })
})
afterAll(() => database[Symbol.asyncDispose]())

describe('a pool', () => {
  it('gives bigint as a number, refuses one that would lose digits, and timestamptz as a Date', async () => {
    await using pool = openPool({ url: database.url, applicationName: 'pool-test', logger })
    const { rows } = await pool.query(
      "select 9007199254740991::bigint as big, '2026-01-02T03:04:05.678Z'::timestamptz as at, current_setting('application_name') as name",
    )
    expect(rows).toEqual([{ big: 2 ** 53 - 1, at: new Date('2026-01-02T03:04:05.678Z'), name: 'pool-test' }])
    await expect(pool.query('select 9007199254740993::bigint')).rejects.toThrow('9007199254740993 does not fit')
  })

  it('has its settings in every session', async () => {
    const settings = { enable_seqscan: 'off', lock_timeout: '7s' }
    await using pool = openPool({ url: database.url, applicationName: 'settings', max: 2, settings, logger })
    const shown = "select current_setting('enable_seqscan') as scan, current_setting('lock_timeout') as wait"
    const clients = [await pool.connect(), await pool.connect()]
    for (const client of clients) {
      expect((await client.query(shown)).rows).toEqual([{ scan: 'off', wait: '7s' }])
      client.release()
    }
  })

  it('survives the death of its idle connections and of those in use', async () => {
    await using pool = openPool({ url: database.url, applicationName: 'dying', max: 2, logger })
    const held = await pool.connect()
    await pool.query('select 1')
    await database.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dying'")
    const error = await held.query('select 1').catch((error: unknown) => error)
    expect(isConnectionError(error)).toBe(true)
    held.release(true)
    await waitForPostgres(pool, { signal: AbortSignal.timeout(20_000), logger })
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})

describe('a pool with a limit for its queries', () => {
  it('gives up a connection on which no answer comes, and has the server notice that too', async () => {
    const limits = { applicationName: 'limited', queryTimeoutMs: 500, logger }
    await using pool = openPool({ url: database.url, ...limits })
    const { rows } = await pool.query('select pg_backend_pid() as pid')
    const holder = await database.pool.connect()
    await holder.query('select pg_advisory_lock(7)')
    await expect(pool.query('select pg_advisory_lock(7)')).rejects.toThrow('timeout')
    expect((await pool.query('select pg_backend_pid() as pid')).rows).not.toEqual(rows)
    const waiting = async () =>
      (await database.pool.query("select 1 from pg_stat_activity where application_name = 'limited' and wait_event = 'advisory'"))
        .rowCount
    await expect.poll(waiting, { timeout: 20_000 }).toBe(0)
    await holder.query('select pg_advisory_unlock(7)')
    holder.release()
  })
})

describe('a connection error', () => {
  it('is told from a refusal', async () => {
    await using pool = openPool({ url: database.url, applicationName: 'errors', logger })
    expect(isConnectionError(await pool.query('select 1/0').catch((error: unknown) => error))).toBe(false)
    await using nowhere = openPool({ url: 'postgres://me@127.0.0.1:1/db', applicationName: 'errors', logger })
    const refused = await nowhere.query('select 1').catch((error: unknown) => error)
    expect(isConnectionError(refused)).toBe(true)
    expect(isConnectionError(new Error('wrapped', { cause: refused }))).toBe(true)
    expect(isConnectionError('ECONNREFUSED')).toBe(false)
    // A session that is opened on a full disk.
    const full = Object.assign(new Error('could not write init file: No space left on device'), { code: '53100' })
    expect(isConnectionError(full)).toBe(true)
  })
})

describe('waiting for PostgreSQL', () => {
  it('lasts until the server can be reached', async () => {
    await using door = await openDoor(database.url)
    door.close()
    await using pool = openPool({ url: door.url, applicationName: 'waits', logger })
    const recording = recordingLogger()
    const waiting = waitForPostgres(pool, { signal: AbortSignal.timeout(20_000), logger: recording.logger })
    await recording.logged('PostgreSQL does not answer yet; waiting for it')
    door.open()
    await waiting
    expect(recording.lines.filter(line => line['level'] === 'warn')).toHaveLength(1)
    expect(recording.lines.at(-1)).toMatchObject({ level: 'info', msg: 'PostgreSQL answers' })
  })

  it('ends with its signal', async () => {
    await using pool = openPool({ url: 'postgres://me@127.0.0.1:1/db', applicationName: 'waits', logger })
    const stop = new AbortController()
    const recording = recordingLogger()
    const waiting = waitForPostgres(pool, { signal: stop.signal, logger: recording.logger })
    await recording.logged('PostgreSQL does not answer yet; waiting for it')
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('does not wait for what waiting cannot cure', async () => {
    const url = new URL(database.url)
    url.pathname = '/no_such_database'
    await using pool = openPool({ url: url.href, applicationName: 'waits', logger })
    await expect(waitForPostgres(pool, { signal: AbortSignal.timeout(20_000), logger })).rejects.toMatchObject({ code: '3D000' })
  })
})

describe('listening', () => {
  it('hears notifications, connects anew when its connection dies, and says that some may have been missed', async () => {
    const heard = mailbox<string | undefined>()
    const signal = AbortSignal.timeout(20_000)
    await using _listening = await listen(database.url, 'odd "channel"', heard.put, { signal, logger, applicationName: 'ears' })
    await database.pool.query(`notify "odd ""channel""", 'one'`)
    expect(await heard.take()).toBe('one')
    await database.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ears'")
    expect(await heard.take()).toBe(undefined)
    await database.pool.query(`notify "odd ""channel""", 'two'`)
    expect(await heard.take()).toBe('two')
  })

  it('keeps trying while the server is away', async () => {
    await using door = await openDoor(database.url)
    const heard = mailbox<string | undefined>()
    const { logger, logged } = recordingLogger()
    await using _listening = await listen(door.url, 'away', heard.put, {
      signal: AbortSignal.timeout(20_000),
      logger,
      applicationName: 'away',
    })
    door.close()
    await logged('cannot listen for notifications yet')
    door.open()
    expect(await heard.take()).toBe(undefined)
  })

  it('connects anew when its connection has fallen silent, of which nobody tells it', async () => {
    await using proxy = await startTcpProxy(Number(new URL(database.url).port))
    const url = new URL(database.url)
    url.port = String(proxy.port)
    const heard = mailbox<string | undefined>()
    const { logger, logged } = recordingLogger()
    const signal = AbortSignal.timeout(20_000)
    await using _listening = await listen(url.href, 'silence', heard.put, { signal, logger, beatMs: 1000 })
    proxy.holdAnswers()
    await logged('the connection that listens for notifications broke; connecting anew')
    proxy.releaseAnswers()
    expect(await heard.take()).toBe(undefined)
    await database.pool.query("notify silence, 'heard'")
    expect(await heard.take()).toBe('heard')
  })

  it.each(['its signal aborts', 'it is disposed of'])('closes its connection when %s', async how => {
    const stop = new AbortController()
    const name = `closing ${how}`
    const listening = await listen(database.url, 'closing', () => {}, { signal: stop.signal, logger, applicationName: name })
    if (how === 'its signal aborts') stop.abort()
    await listening[Symbol.asyncDispose]()
    await expect
      .poll(
        async () => (await database.pool.query('select 1 from pg_stat_activity where application_name = $1', [name])).rowCount,
      )
      .toBe(0)
  })
})

/** What was put in comes out in order, at once or as soon as it is there. */
function mailbox<T>() {
  const stream = new TransformStream<{ value: T }, { value: T }>(undefined, { highWaterMark: 100 }, { highWaterMark: 100 })
  const writer = stream.writable.getWriter()
  const reader = stream.readable.getReader()
  return {
    put: (value: T): void => void writer.write({ value }),
    take: async (): Promise<T | undefined> => (await reader.read()).value?.value,
  }
}

interface Door extends AsyncDisposable {
  /** The server as seen through the door. */
  readonly url: string
  /** Cuts every connection and refuses new ones. */
  close(): void
  open(): void
}

/** A door in front of a server: a relay whose port stays the same and which can be shut. */
async function openDoor(target: string): Promise<Door> {
  const url = new URL(target)
  const { hostname, port } = url
  const sockets = new Set<Socket>()
  let open = true
  const server = createServer(socket => {
    if (!open) {
      socket.resetAndDestroy()
      return
    }
    const inner = connect(Number(port), hostname)
    for (const [from, to] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
      from.pipe(to)
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  url.port = String(address.port)
  return {
    url: url.href,
    close: () => {
      open = false
      for (const socket of sockets) socket.destroy()
    },
    open: () => {
      open = true
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>(resolve => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

import { createTestDatabase, startTcpProxy, type TestDatabase } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMetrics, type LeadOptions, lead, leadNow } from '../src/index.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'
import { silentLogger as logger } from './fixtures/silent-logger.ts'

let database: TestDatabase
let nextLock = 1
beforeAll(async () => {
  database = await createTestDatabase({ migrated: false })
})
afterAll(() => database[Symbol.asyncDispose]())

describe('of several that stand for a lock', () => {
  it('one works, and another takes over when it stops, dies, or its connection does', async () => {
    const lock = nextLock++
    const world = { working: 0, most: 0 }
    const candidates = ['a', 'b', 'c', 'd'].map(name => candidate(lock, name, world))
    const leader = async () => {
      await expect.poll(() => candidates.filter(({ leads }) => leads).length, { timeout: 20_000 }).toBe(1)
      return candidates.find(({ leads }) => leads) ?? expect.fail('nobody leads')
    }
    const first = await leader()
    await first.stop()
    const second = await leader()
    expect(second).not.toBe(first)
    expect(world).toEqual({ working: 1, most: 1 })
    await cut(second.name)
    // It may be elected again at once.
    await expect.poll(() => second.changes.slice(0, 2), { timeout: 20_000 }).toEqual([true, false])
    const third = await leader()
    await third.stop()
    await (await leader()).stop()
    for (const one of candidates) await one.stop()
    expect(candidates.filter(({ leads }) => leads)).toEqual([])
    expect(world.working).toBe(0)
  })

  it('the one that led stands again after its connection was lost, once its work has ended', async () => {
    const lock = nextLock++
    const mayEnd = Promise.withResolvers<void>()
    const terms: string[] = []
    const stop = new AbortController()
    const led = lead({
      ...options(lock, 'again'),
      signal: stop.signal,
      work: async leading => {
        terms.push('begins')
        await aborted(leading)
        if (!stop.signal.aborted) await mayEnd.promise
        terms.push('ends')
        throw leading.reason
      },
    })
    await expect.poll(() => terms).toEqual(['begins'])
    await cut('again')
    // Its lock is free, and it does not stand for it while it still works.
    await expect.poll(() => holders(lock), { timeout: 10_000 }).toBe(0)
    const rival = candidate(lock, 'rival')
    await expect.poll(() => rival.leads, { timeout: 10_000 }).toBe(true)
    mayEnd.resolve()
    await rival.stop()
    await expect.poll(() => terms, { timeout: 10_000 }).toEqual(['begins', 'ends', 'begins'])
    stop.abort()
    await led
    expect(await holders(lock)).toBe(0)
  })

  it('one that no longer hears the database gives up by itself, though the database does not know', async () => {
    const lock = nextLock++
    const server = new URL(database.url)
    await using proxy = await startTcpProxy(Number(server.port))
    server.port = String(proxy.port)
    const cutOff = candidate(lock, 'cut-off', { working: 0, most: 0 }, server.href)
    await expect.poll(() => cutOff.leads, { timeout: 10_000 }).toBe(true)
    const standby = candidate(lock, 'standby')
    proxy.holdAnswers()
    await expect.poll(() => cutOff.leads, { timeout: 20_000 }).toBe(false)
    await expect.poll(() => standby.leads, { timeout: 20_000 }).toBe(true)
    await cutOff.stop()
    await standby.stop()
  })

  it('holds no snapshot while it stands by, so that vacuum is not held up', async () => {
    const lock = nextLock++
    const leader = candidate(lock, 'holds')
    await expect.poll(() => leader.leads, { timeout: 10_000 }).toBe(true)
    const { logger: told, logged } = recordingLogger()
    const stop = new AbortController()
    const standing = lead({ ...options(lock, 'stands'), logger: told, signal: stop.signal, work: aborted })
    await logged('stands: standing by')
    await expect
      .poll(
        async () => {
          const { rows } = await database.pool.query(
            `select state, backend_xmin, xact_start from pg_stat_activity where application_name like '% stands leadership'`,
          )
          return rows
        },
        { timeout: 10_000 },
      )
      .toEqual([{ state: 'idle', backend_xmin: null, xact_start: null }])
    stop.abort()
    await standing
    await leader.stop()
  })
})

describe('work that is asked for', () => {
  it('is done unless another does it, and stops with what it was asked by or with the connection', async () => {
    const lock = nextLock++
    const stop = new AbortController()
    const ask = (name: string, work: (leading: AbortSignal) => Promise<void>, signal = stop.signal) =>
      leadNow({ ...options(lock, name), signal, work })
    const began = Promise.withResolvers<void>()
    const first = ask('asked', async leading => {
      began.resolve()
      await aborted(leading)
    })
    await began.promise
    expect(await ask('too-late', async () => expect.fail('another works'))).toBe('busy')
    await cut('asked')
    expect(await first).toBe('lost')
    expect(await ask('next', async () => undefined)).toBe('done')
    await expect(ask('breaks', async () => Promise.reject(new Error('broken work')))).rejects.toThrow('broken work')
    const stopped = ask('stops', aborted)
    stop.abort()
    expect(await stopped).toBe('done')
    expect(await holders(lock)).toBe(0)
  })
})

describe('the lock', () => {
  it('is given back before what the work throws is told', async () => {
    const lock = nextLock++
    const changes: boolean[] = []
    const metrics = createMetrics('test')
    const failing = lead({
      ...options(lock, 'fails'),
      signal: new AbortController().signal,
      work: async () => {
        expect(await metrics.metrics()).toContain('artifact_store_leading{work="fails"} 1')
        throw new Error('broken work')
      },
      onChange: leading => changes.push(leading),
      metrics,
    })
    await expect(failing).rejects.toThrow('broken work')
    expect(changes).toEqual([true, false])
    expect(await metrics.metrics()).toContain('artifact_store_leading{work="fails"} 0')
    expect(await holders(lock)).toBe(0)
  })

  it('is given back when the work is done', async () => {
    const lock = nextLock++
    await lead({ ...options(lock, 'done'), signal: new AbortController().signal, work: async () => undefined })
    expect(await holders(lock)).toBe(0)
  })

  it('is not waited for by one that was told to stop', async () => {
    const worked: string[] = []
    const work = async () => void worked.push('worked')
    await lead({ ...options(nextLock++, 'stopped'), signal: AbortSignal.abort(), work })
    const nowhere = new AbortController()
    const recording = recordingLogger()
    const unreachable = lead({
      ...options(nextLock++, 'nowhere'),
      logger: recording.logger,
      databaseUrl: 'postgres://me@127.0.0.1:1/db',
      signal: nowhere.signal,
      work,
    })
    await recording.logged('nowhere: cannot stand for the lock yet')
    nowhere.abort()
    await unreachable
    expect(worked).toEqual([])
  })
})

function options(lock: number, name: string): Pick<LeadOptions, 'databaseUrl' | 'lock' | 'name' | 'logger'> {
  return { databaseUrl: database.url, lock, name, logger }
}

function candidate(lock: number, name: string, world = { working: 0, most: 0 }, databaseUrl = database.url) {
  const stopping = new AbortController()
  const changes: boolean[] = []
  const led = lead({
    ...options(lock, name),
    databaseUrl,
    signal: stopping.signal,
    onChange: leading => changes.push(leading),
    work: async leading => {
      world.working += 1
      world.most = Math.max(world.most, world.working)
      await aborted(leading)
      world.working -= 1
    },
  })
  return {
    name,
    changes,
    get leads() {
      return changes.at(-1) === true
    },
    stop: () => {
      stopping.abort()
      return led
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Ends the connection by which that candidate leads. */
async function cut(name: string): Promise<void> {
  await database.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
    `artifact-store ${name} leadership`,
  ])
}

/** How many sessions of this database hold the lock. */
async function holders(lock: number): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*)::int as count from pg_locks
      where locktype = 'advisory' and granted and objid = $1 and database = (select oid from pg_database where datname = current_database())`,
    [lock],
  )
  return rows[0]?.count ?? Number.NaN
}

import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Registry } from 'prom-client'
import { retry } from './backoff.ts'
import type { Logger } from './logger.ts'
import { leadingGauge } from './metrics.ts'
import { connectionOptions } from './postgres.ts'
import type { Secret } from './secret.ts'

/** The advisory locks by which processes of one kind agree who works. Others: 7021810146 to …149, for appends and migrations; …154, for moving blobs. */
export const leaderLocks = { relay: 7021810150, projection: 7021810151, viewTasks: 7021810152, archive: 7021810153 } as const

export interface LeadOptions {
  /** The database itself or a pooler in session mode: the lock belongs to the session. */
  readonly databaseUrl: Secret | string
  /** The key of the advisory lock, e.g. one of `leaderLocks`. */
  readonly lock: number
  /** What is led, for logs and `pg_stat_activity`, e.g. `relay`. */
  readonly name: string
  readonly logger: Logger
  /** Ends it: the work stops, then the lock is given back. */
  readonly signal: AbortSignal
  /** Runs while the lock is held, and ends soon after `leading` aborts: nobody stands for the lock here before that. */
  readonly work: (leading: AbortSignal) => Promise<void>
  /** Told `true` before the work begins and `false` when the lock is lost or given back. Until then this is a standby. */
  readonly onChange?: ((leading: boolean) => void) | undefined
  /** Where `artifact_store_leading{work="<name>"}` is kept: 1 while this process leads, else 0. */
  readonly metrics?: Registry | undefined
}

/**
 * Does the work in one process of those that stand for the same lock, and lets another take over when that one goes: at once when it
 * stops or dies, within seconds when the network between it and the database does. Resolves when `signal` aborts, or when the work
 * ends by itself.
 *
 * It decides who works, not what is true: a process that was suspended may go on for a moment beside its successor, so the work
 * must be safe to do twice.
 * @throws what the work throws while it leads; the lock is given back first.
 */
export async function lead(options: LeadOptions): Promise<void> {
  const { signal, name, metrics } = options
  if (metrics) leadingGauge(metrics).set({ work: name }, 0)
  try {
    for (;;) {
      await using session = await untilElected(options)
      if ((await workWhileElected(session, options)) === 'done') return
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/**
 * Does the work now, unless another process of those that share the lock does: for what is asked for, and done once. The same holds for it.
 * @returns `busy` where another process has the lock, `lost` where this one lost it before the work was done.
 * @throws what the work throws
 */
export async function leadNow(options: LeadOptions): Promise<'done' | 'busy' | 'lost'> {
  await using session = await openSession(options)
  return (await session.tryLock(options.lock)) ? await workWhileElected(session, options) : 'busy'
}

async function workWhileElected(session: Session, options: LeadOptions): Promise<'done' | 'lost'> {
  const { name, logger, signal, work, onChange, metrics } = options
  const tell = (leads: boolean): void => {
    if (metrics) leadingGauge(metrics).set({ work: name }, Number(leads))
    onChange?.(leads)
  }
  const over = new AbortController()
  const leading = AbortSignal.any([signal, session.lost])
  const stepDown = (): void => {
    if (over.signal.aborted) return
    over.abort()
    if (session.lost.aborted) logger.warn(`${name}: lost the connection that holds the lock; another may lead now`)
    tell(false)
  }
  logger.info(`${name}: leading`)
  tell(true)
  leading.addEventListener('abort', stepDown, { once: true })
  if (leading.aborted) stepDown()
  const beating = beat(session, over.signal)
  try {
    await work(leading)
    return session.lost.aborted && !signal.aborted ? 'lost' : 'done'
  } catch (error) {
    if (!leading.aborted) throw error
    logger.debug({ err: error }, `${name}: the work ended with its leadership`)
    return signal.aborted ? 'done' : 'lost'
  } finally {
    stepDown()
    await beating
  }
}

/** Stands for the lock until it is had. @throws the signal's reason when that aborts. */
async function untilElected(options: LeadOptions): Promise<Session> {
  const { lock, name, logger, signal } = options
  let told = false
  const attempt = async (): Promise<Session> => {
    const session = await openSession(options)
    try {
      // Asked again and again rather than waited for in the database: a statement that waits holds a snapshot, and vacuum with it.
      while (!(await session.tryLock(lock))) {
        if (!told) logger.info(`${name}: standing by`)
        told = true
        await delay(standMs * (1 + Math.random() / 2), undefined, { signal })
      }
      signal.throwIfAborted()
      return session
    } catch (error) {
      await session[Symbol.asyncDispose]()
      throw error
    }
  }
  return retry(attempt, {
    signal,
    longestMs: 2000,
    onFailure: (error, waitMs) => logger.debug({ err: error, waitMs }, `${name}: cannot stand for the lock yet`),
  })
}

/** Gives the session up when the database no longer answers, well before that frees the lock of a client that it no longer hears. */
async function beat(session: Session, over: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await delay(beatMs, undefined, { signal: over })
      await session.ping()
    }
  } catch {
    if (!over.aborted) session.giveUp()
  }
}

const standMs = 500
const beatMs = 2000
const answerMs = 3000
// The server frees the lock of a peer that is silent for idle + count * interval = 11 s; that peer has given up by itself after 5.
const keepalives = `select set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
  set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '11s', false),
  set_config('idle_session_timeout', '0', false)`

/** A connection of its own, whose end is the end of its lock. Disposing gives the lock back. */
interface Session extends AsyncDisposable {
  /** Aborts when the connection is gone, by whatever cause. */
  readonly lost: AbortSignal
  tryLock(key: number): Promise<boolean>
  ping(): Promise<void>
  /** Takes the connection for dead. */
  giveUp(): void
}

async function openSession({ databaseUrl, name, logger }: LeadOptions): Promise<Session> {
  const options = connectionOptions(databaseUrl, `artifact-store ${name} leadership`)
  const client = new pg.Client({ ...options, query_timeout: answerMs })
  const lost = new AbortController()
  const gone = (): void => lost.abort(new DOMException('the connection that holds the lock is gone', 'AbortError'))
  client.once('end', gone)
  client.on('error', error => logger.debug({ err: error }, 'the connection that holds a lock reported an error'))
  const session: Session = {
    lost: lost.signal,
    async tryLock(key) {
      const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [key])
      return rows[0]?.held === true
    },
    async ping() {
      await client.query('select 1')
    },
    giveUp() {
      gone()
      // With a query that is not answered this destroys the socket, rather than take leave of a server that may not hear.
      void client.end()
    },
    async [Symbol.asyncDispose]() {
      if (!lost.signal.aborted) await client.query('select pg_advisory_unlock_all()').catch(() => undefined)
      await client.end()
    },
  }
  try {
    await client.connect()
    await client.query(keepalives)
    return session
  } catch (error) {
    await client.end()
    throw error
  }
}

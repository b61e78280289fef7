import { setTimeout as delay } from 'node:timers/promises'
import type { PoolClient } from 'pg'
import { catchUp, type ViewTaskOptions } from './catch-up.ts'
import { viewsPosition } from './position.ts'
import { registryViews } from './registry.ts'
import { tableShape } from './table-shape.ts'
import { inTransaction } from './transaction.ts'
import { hasSqlState, sqlStates } from './view-tasks.ts'
import type { ViewWriter } from './view-writer.ts'

/** So many events may be caught up with while the live writer stands still. */
const mostWhileHeld = 500

/**
 * How long an attempt may take, in which readers may have to wait, and how long to leave them alone after it, in milliseconds. Reads of a few
 * milliseconds let the first attempt through. Where there are always longer ones, patience grows, but stays far below `deadlock_timeout` (a second
 * unless it was set): after that, a reader who has what the swap waits for, and waits for what it has, would fail.
 */
const patienceMs = { first: 100, longest: 400, growth: 1.5 }
const pauseMs = { first: 200, longest: 10_000, growth: 2 }

/**
 * Catches up with the log, and puts the new views into the place of the live ones as soon as there is a moment in which nobody reads
 * or writes them.
 * @returns the position at which the new ones took over: at least where the live ones were.
 */
export async function swapViews(task: number, next: ViewWriter, options: ViewTaskOptions): Promise<number> {
  const { log, signal } = options
  let patience = patienceMs.first
  let pause = pauseMs.first
  for (;;) {
    await catchUp(task, next, await log.head(), options)
    const attempt = await attemptSwap(task, next, patience, options)
    if (attempt === 'swapped') return positionOfSwap(task, options)
    if (attempt === 'behind') continue
    await delay(pause, undefined, { signal })
    patience = Math.min(patience * patienceMs.growth, patienceMs.longest)
    pause = Math.min(pause * pauseMs.growth, pauseMs.longest)
  }
}

async function attemptSwap(
  task: number,
  next: ViewWriter,
  patience: number,
  { pool, ...options }: ViewTaskOptions,
): Promise<'swapped' | 'behind' | 'occupied'> {
  // In one message: between the two nobody can read, and this process may be busy.
  const swapAndCommit = `set local statement_timeout = ${Math.round(patience)}; select views_admin.swap(${task}); commit`
  const prepare = async (client: PoolClient) => {
    await holdWriter(client)
    const live = await viewsPosition(client)
    if (live - (await next.position()) > mostWhileHeld) throw new FarBehind()
    await catchUp(task, next, live, { pool, ...options })
  }
  try {
    await inTransaction(pool, prepare, 'begin', swapAndCommit)
    return 'swapped'
  } catch (error) {
    if (error instanceof FarBehind || hasSqlState(error, sqlStates.behind)) return 'behind'
    if (hasSqlState(error, sqlStates.lockNotAvailable, sqlStates.queryCanceled, sqlStates.deadlock)) return 'occupied'
    throw error
  }
}

/** Too many events to catch up with while the live writer stands still. */
class FarBehind extends Error {}

async function positionOfSwap(task: number, { pool }: ViewTaskOptions): Promise<number> {
  const { rows } = await pool.query<{ position: number | string }>('select position from views_admin.tasks where id = $1', [task])
  return Number(rows[0]?.position)
}

/**
 * Has the live writer stand still, and nobody else: every batch begins with the checkpoint. Before that, vacuum is sent away by a lock that keeps
 * neither reader nor writer out. One that runs by itself gives way to who waits for longer than `deadlock_timeout`, as the swap must not.
 */
async function holdWriter(client: PoolClient): Promise<void> {
  const tables = registryViews.map(({ table }) => tableShape(table).name)
  // Should this process hang, the writer must not hang with it.
  await client.query(`set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '30s'`)
  await client.query(`lock table ${tables.join(', ')} in share update exclusive mode`)
  await client.query('lock table views.checkpoints in share row exclusive mode')
}

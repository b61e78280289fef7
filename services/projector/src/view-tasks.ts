import { isArtifactError } from '@artifact-store/core'
import { createBell, type LogArchive, postgresLogReader } from '@artifact-store/log'
import { isConnectionError, type Logger, lead, leaderLocks, openPool, type Pool, type Secret } from '@artifact-store/service'
import { failViewTask, findViewTask, nextViewTask, rebuildViews, type ViewTask, verifyViews } from '@artifact-store/views'
import type { Registry } from 'prom-client'
import { applyBatch } from './apply-batch.ts'

export interface ViewTaskWorkOptions {
  readonly databaseUrl: Secret
  /** Looks whether there is a task; the work itself has connections of its own, so that it takes none from the live views. */
  readonly pool: Pool
  /** Where the log has its oldest part, if that is archived. */
  readonly archive: LogArchive | undefined
  readonly batchSize: number
  readonly logger: Logger
  readonly metrics: Registry
  readonly signal: AbortSignal
}

/** How often to look whether something was asked for, in milliseconds. */
const pollMs = 1000
/** The longest wait before a task that could not go on is taken up again, in milliseconds. */
const longestPauseMs = 10_000

/**
 * Works on what administrators ask for: that the views be rebuilt or verified. Of several projectors one does, whether or not it is also the one that
 * moves the live views; when it goes, another goes on where it was. Resolves when the signal aborts.
 */
export async function workOnViewTasks(options: ViewTaskWorkOptions): Promise<void> {
  const { databaseUrl, logger, metrics, signal } = options
  let pause = pollMs
  while (!signal.aborted) {
    try {
      if (await isAnythingToDo(options)) {
        const work = (leading: AbortSignal) => workOffTasks(options, leading)
        await lead({ databaseUrl, lock: leaderLocks.viewTasks, name: 'view-tasks', logger, metrics, signal, work })
      }
      pause = pollMs
    } catch (error) {
      if (signal.aborted) return
      logger.warn({ err: error, waitMs: pause }, 'the task on the views cannot go on at the moment; trying again')
      pause = Math.min(pause * 2, longestPauseMs)
    }
    await createBell().wait(0, pause, signal)
  }
}

async function isAnythingToDo({ pool, logger }: ViewTaskWorkOptions): Promise<boolean> {
  try {
    return (await nextViewTask(pool)) !== undefined
  } catch (error) {
    // A database that is away is told of loudly by the projection.
    logger.debug({ err: error }, 'cannot look whether anything is to be done with the views')
    return false
  }
}

async function workOffTasks(
  { databaseUrl, logger, archive, batchSize }: ViewTaskWorkOptions,
  leading: AbortSignal,
): Promise<void> {
  await using pool = openPool({ url: databaseUrl, applicationName: 'artifact-store view task', max: 4, logger })
  for (;;) {
    const task = await nextViewTask(pool)
    if (!task) return
    const told = logger.child({ task: task.id, kind: task.kind })
    told.info({ phase: task.phase, requestedBy: task.requestedBy }, 'working on the task')
    try {
      await workOn(task, pool, { archive, batchSize, logger: told, signal: leading })
    } catch (error) {
      leading.throwIfAborted()
      const now = await findViewTask(pool, task.id)
      if (now?.finishedAt)
        told.info({ phase: now.phase }, 'the task has ended in another way: it was given up, or its last answer was lost')
      else if (mayPass(error)) throw error
      else {
        told.error({ err: error }, 'the task has failed; the live views are as they were')
        await failViewTask(pool, task.id, error instanceof Error ? error.message : String(error))
      }
    }
  }
}

async function workOn(
  task: ViewTask,
  pool: Pool,
  given: Pick<ViewTaskWorkOptions, 'archive' | 'batchSize' | 'logger' | 'signal'>,
): Promise<void> {
  const { logger, archive, ...rest } = given
  const options = {
    ...rest,
    pool,
    log: postgresLogReader(pool, {}, archive),
    apply: applyBatch,
    onPhase: (phase: string) => logger.info({ phase }, phase),
  }
  if (task.kind === 'rebuild') {
    const position = await rebuildViews(task.id, options)
    logger.info({ position }, 'the new views have taken the place of the live ones, which are kept')
    return
  }
  const { position, live, fresh } = await verifyViews(task.id, options)
  if (live === fresh) logger.info({ position, digest: live }, 'the views are what the log says')
  else logger.error({ position, live, fresh }, 'the views are not what a fresh replay of the log makes of them')
}

/**
 * Whether the same may succeed later: a connection was lost, locks or memory were not to be had, somebody else was faster. A full disk
 * is not waited for, as what the task has filled takes part of it.
 */
function mayPass(error: unknown): boolean {
  if (isConnectionError(error) || isArtifactError(error, 'revision-conflict', 'backend-unavailable', 'log-unavailable'))
    return true
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string') || error.code === '53100') return false
  return /^(08|25P03|40|53|55P03|57|58)/.test(error.code)
}

import { type ArchiveStep, keepArchive, type LogArchive, type Queryable, tellArchive } from '@artifact-store/log'
import { type Logger, lead, leaderLocks, type Scope } from '@artifact-store/service'
import { archiveMetrics } from './archive-metrics.ts'
import type { LogWriterConfig } from './config.ts'

/**
 * Moves the oldest part of the log to the archive, slowly and in the background, if there is one. Of several log-writers one does: not for the sake of
 * the archive, where the same events are the same object, but so that no work is done twice.
 */
export function startArchiving(
  config: LogWriterConfig,
  scope: Scope,
  connection: Queryable,
  archive: LogArchive | undefined,
): void {
  const { logger, signal, health } = scope
  let failure: string | undefined
  health.check('archive', async checkSignal => {
    const told = await tellArchive(connection, archive, checkSignal)
    // Appends do not depend on it: an archive that is away leaves a log-writer ready.
    if (!failure) return told
    return { warning: `${typeof told === 'string' ? told : told.warning}; archiving fails: ${failure}` }
  })
  const metrics = archiveMetrics(scope.metrics, connection)
  if (!archive) return
  const archiving = lead({
    databaseUrl: config.DATABASE_URL,
    lock: leaderLocks.archive,
    name: 'archive',
    logger,
    metrics: scope.metrics,
    signal,
    work: leading =>
      keepArchive(connection, archive.store, {
        signal: leading,
        afterSeconds: config.LOG_ARCHIVE_AFTER_DAYS * daySeconds,
        graceSeconds: config.LOG_ARCHIVE_GRACE_DAYS * daySeconds,
        onStep(step) {
          metrics.step(step)
          log(logger, step)
        },
        onRest() {
          failure = undefined
          metrics.failing(false)
        },
        onError(error) {
          failure = error instanceof Error ? error.message : String(error)
          metrics.failing(true)
          logger.warn({ err: error }, 'the log could not be archived; trying again in a minute')
        },
      }),
  })
  scope.defer(() => archiving)
}

const daySeconds = 24 * 3600

function log(logger: Logger, done: ArchiveStep): void {
  if (done.step === 'archived') logger.debug({ segment: done.segment }, 'archived a segment of the log')
  else logger.info({ partition: done.partition }, told[done.step])
}

const told = {
  detached: 'a partition of the log is read from the archive from now on',
  busy: 'a partition of the log is archived and somebody reads it: it stays for another minute',
  dropped: 'dropped the table of a partition of the log, which the archive has',
} as const

import { keepPartitions, type Queryable } from '@artifact-store/log'
import type { Scope } from '@artifact-store/service'
import type { LogWriterConfig } from './config.ts'

/** Looks after the log's partitions while the process runs. Every log-writer does: what one has done, the next finds done. */
export function startPartitionKeeping(config: LogWriterConfig, { logger, signal, defer }: Scope, connection: Queryable): void {
  const keeping = keepPartitions(connection, {
    signal,
    keySeconds: config.LOG_WRITER_KEY_DAYS * 24 * 3600,
    onError: error =>
      logger.warn({ err: error }, 'the partitions of the log could not be looked after; trying again in a minute'),
  })
  defer(() => keeping)
}

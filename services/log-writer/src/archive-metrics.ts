import { type ArchiveStatus, type ArchiveStep, archiveStatus, type Queryable } from '@artifact-store/log'
import { Counter, Gauge, type Registry } from 'prom-client'

export interface ArchiveMetrics {
  step(step: ArchiveStep): void
  failing(fails: boolean): void
}

/** Registers how much of the log is archived, and how archiving fares in this process. */
export function archiveMetrics(registry: Registry, connection: Queryable): ArchiveMetrics {
  const registers = [registry]
  const gauge = (name: string, help: string, look: (status: ArchiveStatus) => number): void => {
    new Gauge({
      name,
      help: `${help}; NaN while the database cannot be read.`,
      registers,
      async collect() {
        this.set(await archiveStatus(connection).then(look, () => Number.NaN))
      },
    })
  }
  gauge('artifact_store_archive_position', 'The last event of the log that is in a segment of the archive', s => s.archivedTo)
  gauge('artifact_store_archive_segments', 'Segments of the log in the archive', s => s.segments)
  gauge('artifact_store_archive_bytes', 'Bytes of these segments', s => s.bytes)
  gauge('artifact_store_log_table_begins', 'The first event of the log that is in the table', s => s.tableBegins)
  const events = new Counter({
    name: 'artifact_store_archived_events_total',
    help: 'Events that this process has archived.',
    registers,
  })
  const steps = new Counter({
    name: 'artifact_store_archive_steps_total',
    help: 'What this process has done for the archive: segments archived, partitions detached, found busy and dropped.',
    labelNames: ['step'],
    registers,
  })
  const failing = new Gauge({
    name: 'artifact_store_archive_failing',
    help: 'Whether the last attempt of this process to archive failed: 1 or 0.',
    registers,
  })
  return {
    step(done) {
      steps.inc({ step: done.step })
      if (done.step === 'archived') events.inc(done.segment.lastSequence - done.segment.firstSequence + 1)
    },
    failing(fails) {
      failing.set(Number(fails))
    },
  }
}

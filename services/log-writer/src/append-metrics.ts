import { type ArtifactError, isArtifactError } from '@artifact-store/core'
import type { AppendOutcome, BatchReport } from '@artifact-store/log'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export interface AppendMetrics {
  /** The database has answered a batch, or failed it. */
  batch(batch: BatchReport): void
  /** An append that arrived at that time (milliseconds of `performance.now()`) has its answer. */
  answered(result: AppendOutcome | ArtifactError, arrivedAt: number): void
  /** A request was not taken, for that kind of error. */
  refused(kind: string): void
}

/** Registers how appends fare. @param waiting what waits at the moment: appends for their batch, bytes of bodies that have no answer yet. */
export function appendMetrics(registry: Registry, waiting: { appends(): number; bytes(): number }): AppendMetrics {
  const registers = [registry]
  const batchSize = new Histogram({
    name: 'artifact_store_append_batch_size',
    help: 'Appends that went into one transaction.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers,
  })
  const batchEvents = new Histogram({
    name: 'artifact_store_append_batch_events',
    help: 'Events that went into one transaction.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000],
    registers,
  })
  const batchSeconds = new Histogram({
    name: 'artifact_store_append_batch_duration_seconds',
    help: 'Time that the database took for one transaction, its wait for the lock and its commit included.',
    buckets: latencies,
    registers,
  })
  const latency = new Histogram({
    name: 'artifact_store_append_duration_seconds',
    help: 'Time from the arrival of an append at this log-writer to its outcome.',
    buckets: latencies,
    registers,
  })
  const outcomes = new Counter({
    name: 'artifact_store_appends_total',
    help: 'Appends by what became of them; the reason says which condition or which error refused them.',
    labelNames: ['outcome', 'reason'],
    registers,
  })
  const requestsRefused = new Counter({
    name: 'artifact_store_append_requests_refused_total',
    help: 'Requests of which no append was taken, by the kind of the error.',
    labelNames: ['reason'],
    registers,
  })
  const gauge = (name: string, help: string, look: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(look())
      },
    })
  }
  gauge('artifact_store_append_waiting', 'Appends that wait for the next batch.', waiting.appends)
  gauge('artifact_store_append_waiting_bytes', 'Bytes of the requests that have no answer yet.', waiting.bytes)
  const appended = outcomes.labels({ outcome: 'appended', reason: '' })
  return {
    batch({ appends, events, seconds }) {
      batchSize.observe(appends)
      batchEvents.observe(events)
      batchSeconds.observe(seconds)
    },
    answered(result, arrivedAt) {
      latency.observe((performance.now() - arrivedAt) / 1000)
      if (isArtifactError(result)) outcomes.inc({ outcome: 'refused', reason: result.kind })
      else if (result.outcome === 'appended') appended.inc()
      else outcomes.inc({ outcome: result.outcome, reason: result.outcome === 'conflict' ? result.reason : '' })
    },
    refused: reason => requestsRefused.inc({ reason }),
  }
}

const latencies = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

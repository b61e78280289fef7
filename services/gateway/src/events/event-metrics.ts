import { Counter, Gauge, type Registry } from 'prom-client'

/** What is counted of those who read events. */
export interface EventMetrics {
  readonly openStreams: Gauge
  readonly sent: Counter<'over'>
}

export function eventMetrics(registry: Registry): EventMetrics {
  return {
    openStreams: new Gauge({
      name: 'artifact_store_event_streams',
      help: 'Event streams (server-sent events) that are open.',
      registers: [registry],
    }),
    sent: new Counter({
      name: 'artifact_store_events_sent_total',
      help: 'Events that were sent to subscribers: over streams, and in pages.',
      labelNames: ['over'],
      registers: [registry],
    }),
  }
}

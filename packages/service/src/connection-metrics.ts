import type { Server } from 'node:http'
import { Counter, Gauge, type Registry } from 'prom-client'

export interface ConnectionMetrics {
  /** Counts the connections of a server from now on. */
  watch(server: Server): void
  refused(reason: string): void
}

export function connectionMetrics(registry: Registry): ConnectionMetrics {
  let server: Server | undefined
  new Gauge({
    name: 'http_connections',
    help: 'Connections that are open, idle ones among them.',
    registers: [registry],
    async collect() {
      this.set(await connectionsOf(server))
    },
  })
  const refusals = new Counter({
    name: 'http_connections_refused_total',
    help: 'Connections that were closed for what came over them, or as there were too many (too-many-connections).',
    labelNames: ['reason'],
    registers: [registry],
  })
  return {
    watch(watched) {
      server = watched
    },
    refused: reason => refusals.inc({ reason }),
  }
}

function connectionsOf(server: Server | undefined): Promise<number> {
  return new Promise(resolve => {
    if (server === undefined) resolve(0)
    else server.getConnections((_, count) => resolve(count))
  })
}

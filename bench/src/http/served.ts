import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { parentPort, workerData } from 'node:worker_threads'
import type { Append, AppendOutcome } from '@artifact-store/log'
import { createApp, createLogger, createMetrics, Health, listenHttp, mountDirect, Secret } from '@artifact-store/service'
import { createIntake } from '../../../services/log-writer/src/append-intake.ts'
import { appendMetrics } from '../../../services/log-writer/src/append-metrics.ts'
import { appendRoute } from '../../../services/log-writer/src/append-route.ts'
import { token } from './requests.ts'

/**
 * A worker that serves one of these, says on which port, and tells its own processor time when it is asked:
 *
 * - `bare`: Node's server, which answers an empty request, and parses a JSON body with the engine's own parser;
 * - `app`: our app with a route that answers an empty request;
 * - `in the app`: the log-writer's append route as the app has it, with a log that answers at once;
 * - `before the app`: the same as the log-writer has it.
 */
export type Served = 'bare' | 'app' | 'in the app' | 'before the app'

const served: Served = workerData
const port = await (served === 'bare' ? serveBare() : serveOurs(served))
parentPort?.postMessage(port)
parentPort?.on('message', () => parentPort?.postMessage(process.threadCpuUsage()))

async function serveBare(): Promise<number> {
  const server = createServer(async (incoming, outgoing) => {
    if (incoming.method === 'GET') answer(outgoing, '{}')
    else answer(outgoing, JSON.stringify({ results: resultsOf(await readBare(incoming)) }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

async function readBare(incoming: IncomingMessage): Promise<{ readonly appends: readonly unknown[] }> {
  return JSON.parse((await buffer(incoming)).toString())
}

function resultsOf({ appends }: { readonly appends: readonly unknown[] }): readonly AppendOutcome[] {
  return appends.map((_, i) => ({ outcome: 'appended', firstSequence: i + 1, lastSequence: i + 1, createdAt: new Date() }))
}

function answer(outgoing: ServerResponse, json: string): void {
  outgoing.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) }).end(json)
}

async function serveOurs(kind: Exclude<Served, 'bare'>): Promise<number> {
  // Lines are written as in production, and nowhere.
  const nowhere = openSync('/dev/null', 'w')
  const destination = { write: (line: string) => void writeSync(nowhere, line) }
  const common = { logger: createLogger({ name: 'bench', level: 'info', destination }), metrics: createMetrics('bench') }
  const app = createApp({ ...common, name: 'bench', health: new Health() })
  app.get('/', c => c.json({}))
  const intake = createIntake({ maxBodyBytes: 16 * 2 ** 20, maxWaitingBytes: 64 * 2 ** 20 })
  const metrics = appendMetrics(common.metrics, { appends: () => 0, bytes: () => intake.bytes })
  const log = { waiting: 0, append: appendsAtOnce() }
  const direct = mountDirect(app, appendRoute({ log, intake, metrics, token: new Secret(token), maxWaiting: 10_000 }), common)
  const server = await listenHttp({
    fetch: (request, env) => app.fetch(request, env),
    direct: kind === 'before the app' ? direct : undefined,
    host: '127.0.0.1',
    port: 0,
  })
  return server.port
}

function appendsAtOnce(): (append: Append) => Promise<AppendOutcome> {
  let head = 0
  return async ({ events }) => {
    const firstSequence = head + 1
    head += events.length
    return { outcome: 'appended', firstSequence, lastSequence: head, createdAt: new Date() }
  }
}

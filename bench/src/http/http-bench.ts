import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Bench, Measurement } from '../harness/bench.ts'
import { measureCallers } from '../harness/callers.ts'
import { medianMeasurement, twoDigits } from '../harness/median.ts'
import { openCaller } from './keep-alive-caller.ts'
import { emptyRequest, framesRequest, jsonRequest } from './requests.ts'
import type { Served } from './served.ts'

interface Cell {
  readonly name: string
  readonly served: Served
  readonly request: Buffer
  /** In each request; an empty one counts as one. */
  readonly events: number
}

interface Result extends Measurement {
  /** Of the server's thread for one request, in microseconds: it says what a server costs whatever else the machine does. */
  readonly cpuUs: number
}

const cells: readonly Cell[] = [
  { name: 'bare node:http, empty request', served: 'bare', request: emptyRequest(), events: 1 },
  { name: 'our app, empty request', served: 'app', request: emptyRequest(), events: 1 },
  ...[
    { what: '1 append of 1 event', appends: 1, events: 1 },
    { what: '50 appends of 1 event', appends: 50, events: 1 },
    { what: '1 append of 100 events', appends: 1, events: 100 },
  ].flatMap(({ what, appends, events }): Cell[] => {
    const json = { request: jsonRequest(appends, events), events: appends * events }
    const frames = { request: framesRequest(appends, events), events: appends * events }
    return [
      { name: `bare node:http, JSON, ${what}`, served: 'bare', ...json },
      { name: `append route in the app, JSON, ${what}`, served: 'in the app', ...json },
      { name: `append route in the app, frames, ${what}`, served: 'in the app', ...frames },
      { name: `append route before the app, frames, ${what}`, served: 'before the app', ...frames },
    ]
  }),
]

const callers = 16

/**
 * What our framework and the append route add to Node's server: the route checks every event and counts and measures everything, and a
 * log that answers at once is behind it. Ratios are of processor time, to bare `node:http`.
 */
export const httpBench: Bench = async ({ rounds, seconds, say }) => {
  const measured = new Map<string, Result[]>(cells.map(cell => [cell.name, []]))
  for (let round = 1; round <= rounds; round += 1) {
    for (const cell of cells) {
      const result = await measureCell(cell, seconds)
      measured.get(cell.name)?.push(result)
      const rate = Math.round(result.eventsPerSecond)
      say(`round ${round}: ${cell.name}: ${rate} events/s, ${Math.round(result.cpuUs)} us of processor time a request`)
    }
  }
  const results = Object.fromEntries([...measured].map(([name, all]) => [name, medianMeasurement(all)]))
  return { rounds, results, ratios: ratiosOf(measured) }
}

async function measureCell({ served, request, events }: Cell, seconds: number): Promise<Result> {
  const worker = new Worker(new URL('./served.ts', import.meta.url), { workerData: served })
  const [port]: number[] = await once(worker, 'message')
  using stack = new DisposableStack()
  const connections = await Promise.all(Array.from({ length: callers }, () => openCaller(port ?? 0, request)))
  for (const connection of connections) stack.use(connection)
  const pound = (length: number): Promise<Measurement> => {
    const free = [...connections]
    return measureCallers(callers, length, async () => {
      const connection = free.pop()
      if (!connection) throw new Error('more callers than connections')
      await connection.call()
      free.push(connection)
      return events
    })
  }
  // The engine compiles what is hot.
  await pound(Math.min(1, seconds))
  const before = await cpuOf(worker)
  const begun = performance.now()
  const measurement = await pound(seconds)
  const requests = (measurement.eventsPerSecond / events) * ((performance.now() - begun) / 1000)
  const cpuUs = ((await cpuOf(worker)) - before) / requests
  await worker.terminate()
  return { ...measurement, cpuUs }
}

/** In microseconds. */
async function cpuOf(worker: Worker): Promise<number> {
  worker.postMessage('cpu')
  const [{ user, system }] = (await once(worker, 'message')) as [NodeJS.CpuUsage]
  return user + system
}

function ratiosOf(measured: ReadonlyMap<string, readonly Result[]>): Record<string, number> {
  const cpu = (name: string) => {
    const sorted = (measured.get(name) ?? []).map(({ cpuUs }) => cpuUs).toSorted((a, b) => a - b)
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
  }
  const pairs = cells.filter(({ served }) => served !== 'bare').map(({ name }) => [name, bareOf(name)] as const)
  return Object.fromEntries(pairs.map(([name, bare]) => [`processor time of ${name}, to bare`, twoDigits(cpu(name) / cpu(bare))]))
}

/** The bare server's cell with the same request. */
function bareOf(name: string): string {
  const what = name.slice(name.indexOf(', '))
  return `bare node:http${what.replace('frames', 'JSON')}`
}

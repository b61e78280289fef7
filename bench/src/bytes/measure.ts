import type { ByteMeasurement } from '../harness/bench.ts'
import { flushDisk } from '../harness/flush-disk.ts'
import { Connection } from './connection.ts'
import type { Contender, Payload } from './contender.ts'
import { newPayload, newTar } from './payloads.ts'
import { cpuSecondsOf, peakMegabytesOf, resetPeak } from './usage.ts'

/** What is moved, how, and by how many at once. */
export interface Load {
  readonly name: string
  readonly direction: 'up' | 'down' | 'tar'
  /** Of a file, in bytes. */
  readonly size: number
  readonly callers: number
  /** So many files are enough, however quick they are. */
  readonly most: number
}

/** Files that were stored, to be fetched. */
export type Stored = Map<number, string[]>

export async function measure(contender: Contender, load: Load, seconds: number, stored: Stored): Promise<ByteMeasurement> {
  const connections = await Promise.all(Array.from({ length: load.callers }, () => Connection.open(contender.port)))
  using stack = new DisposableStack()
  for (const connection of connections) stack.use(connection)
  // Code is compiled and connections to databases are opened before the measurement, as in a server that has been up for a while.
  const warmUp = await runOf(contender, load, stored)
  await Promise.all(connections.map(connection => untilTime(performance.now() + warmUpMs, () => warmUp(connection))))
  await flushDisk()
  const run = await runOf(contender, load, stored)
  resetPeak(contender.mover)
  const cpu = cpuSecondsOf(contender.pid)
  const begun = performance.now()
  const end = begun + seconds * 1000
  const counts = await Promise.all(connections.map(connection => untilTime(end, () => run(connection))))
  const files = counts.reduce((sum, count) => sum + count, 0)
  const elapsed = (performance.now() - begun) / 1000
  const bytes = files * load.size
  return {
    megabytesPerSecond: bytes / 1e6 / elapsed,
    requestsPerSecond: files / elapsed,
    cpuSecondsPerGib: (cpuSecondsOf(contender.pid) - cpu) / (bytes / 2 ** 30),
    peakMegabytes: peakMegabytesOf(contender.mover),
  }
}

const warmUpMs = 1000

/** Goes on until then or until there is no more. @returns how many files were moved. */
async function untilTime(end: number, step: () => Promise<number>): Promise<number> {
  let files = 0
  for (;;) {
    const done = await step()
    files += done
    if (done === 0 || performance.now() >= end) return files
  }
}

/** One step of the load, which says how many files it moved; 0 when there are no more. */
async function runOf(contender: Contender, load: Load, stored: Stored): Promise<(connection: Connection) => Promise<number>> {
  const addresses = stored.get(load.size) ?? []
  stored.set(load.size, addresses)
  if (load.direction === 'tar') {
    const archives = [newTar(load.most, load.size)]
    return async connection => {
      const archive = archives.pop()
      if (!archive) return 0
      await contender.tar?.(connection, archive, load.most)
      return load.most
    }
  }
  if (load.direction === 'down') {
    let next = 0
    return async connection => {
      const address = addresses[next % addresses.length]
      if (address === undefined || next >= load.most) return 0
      next += 1
      const length = await contender.get(connection, address)
      if (length !== load.size) throw new Error(`${contender.name} gave ${length} bytes of ${load.size}`)
      return 1
    }
  }
  // What is large is made, and named by those that need a name, before it is timed.
  const ready: Payload[] = load.most <= 16 ? Array.from({ length: load.most }, () => prepared(load.size)) : []
  let made = 0
  return async connection => {
    made += 1
    if (made > load.most) return 0
    addresses.push(await contender.put(connection, ready.pop() ?? newPayload(load.size)))
    return 1
  }
}

function prepared(size: number): Payload {
  const payload = newPayload(size)
  const sha256 = payload.sha256()
  return { ...payload, sha256: () => sha256 }
}

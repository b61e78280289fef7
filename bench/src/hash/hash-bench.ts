import { randomFillSync } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Bench, ByteMeasurement } from '../harness/bench.ts'
import { medianBytes, twoDigits } from '../harness/median.ts'
import { openWays, type Way } from './ways.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte
const sizes = [
  { name: '4 KiB', bytes: 4 * kibibyte },
  { name: '64 KiB', bytes: 64 * kibibyte },
  { name: '1 MiB', bytes: mebibyte },
  { name: '256 MiB', bytes: 256 * mebibyte },
] as const

/** Every kernel by every size of input. What a thread does counts as processor time, and not against the event loop. */
export const hashBench: Bench = async ({ rounds, seconds, say }) => {
  await using ways = await openWays(Math.min(2, availableParallelism()))
  for (const missing of ways.missing) say(`${missing}: left out`)
  const cells = sizes.flatMap(size => ways.all.map(way => ({ way, size, name: `${way.name}, ${size.name}` })))
  const measured = new Map<string, ByteMeasurement[]>(cells.map(({ name }) => [name, []]))
  // Cells are many and short.
  const budgetMs = (seconds * 1000) / 10
  for (let round = 1; round <= rounds; round += 1) {
    for (const { way, size, name } of cells) {
      const result = await measure(way, size.bytes, budgetMs)
      measured.get(name)?.push(result)
      say(
        `round ${round}: ${name}: ${Math.round(result.megabytesPerSecond)} MB/s, event loop busy ${Math.round((result.eventLoopShare ?? 0) * 100)} %`,
      )
    }
  }
  const results = Object.fromEntries([...measured].map(([name, all]) => [name, medianBytes(all)]))
  say('')
  for (const line of table(ways.all, results)) say(line)
  return { rounds, results, ratios: ratiosOf(results) }
}

async function measure(way: Way, bytes: number, budgetMs: number): Promise<ByteMeasurement> {
  const chunk = sample.subarray(0, Math.min(bytes, sample.length))
  const input = Array.from({ length: bytes / chunk.length }, () => chunk)
  // What is hot gets compiled, and threads start.
  await way.hash(input.slice(0, 4))
  const cpu = process.cpuUsage()
  const loop = performance.eventLoopUtilization()
  const begun = performance.now()
  let hashed = 0
  do {
    await way.hash(input)
    hashed += bytes
  } while (performance.now() - begun < budgetMs)
  const elapsed = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return {
    megabytesPerSecond: hashed / 1e6 / elapsed,
    cpuSecondsPerGib: (user + system) / 1e6 / (hashed / 2 ** 30),
    eventLoopShare: performance.eventLoopUtilization(loop).utilization,
  }
}

function table(ways: readonly Way[], results: Readonly<Record<string, ByteMeasurement>>): string[] {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const cell = (way: Way, size: string) => `${Math.round(results[`${way.name}, ${size}`]?.megabytesPerSecond ?? Number.NaN)}`
  return [
    row(['MB/s', ...sizes.map(size => size.name)]),
    row(['---', ...sizes.map(() => '---:')]),
    ...ways.map(way => row([way.name, ...sizes.map(size => cell(way, size.name))])),
  ]
}

function ratiosOf(results: Readonly<Record<string, ByteMeasurement>>): Record<string, number> {
  const of = (name: string) => results[name]?.megabytesPerSecond
  const ratios: Record<string, number> = {}
  const compare = (one: string, other: string, size: string) => {
    const [mine, others] = [of(`${one}, ${size}`), of(`${other}, ${size}`)]
    if (mine !== undefined && others !== undefined) ratios[`${one} / ${other}, ${size}`] = twoDigits(mine / others)
  }
  for (const { name } of sizes) {
    compare('BLAKE3 native', 'BLAKE3 portable', name)
    compare('both native', 'both portable', name)
  }
  for (const kernel of ['portable', 'native']) compare(`both ${kernel}, on threads`, `both ${kernel}`, '256 MiB')
  return ratios
}

/** A large input is the same mebibyte again and again, as a file that comes through a socket is the same buffers. */
const sample = randomFillSync(Buffer.allocUnsafeSlow(mebibyte))

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createContentHasher, openHashKernel } from '@artifact-store/blobs'
import type { Bench, ByteMeasurement } from '../harness/bench.ts'
import { medianBytes, twoDigits } from '../harness/median.ts'
import { partOfDisk } from '../harness/part-of-disk.ts'
import type { Contender } from './contender.ts'
import { startNginx } from './contenders/nginx.ts'
import { startOurs } from './contenders/ours.ts'
import { startRegistry } from './contenders/registry.ts'
import { startTus } from './contenders/tus.ts'
import { type Load, measure, type Stored } from './measure.ts'
import { newPayload } from './payloads.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

const loads: readonly Load[] = [
  { name: '4 KiB up, 16 callers', direction: 'up', size: 4 * kibibyte, callers: 16, most: 100_000 },
  { name: '4 KiB up, 64 callers', direction: 'up', size: 4 * kibibyte, callers: 64, most: 100_000 },
  { name: '4 KiB up, a tar stream', direction: 'tar', size: 4 * kibibyte, callers: 1, most: 5000 },
  { name: '4 KiB down, 16 callers', direction: 'down', size: 4 * kibibyte, callers: 16, most: 100_000 },
  { name: '4 KiB down, 64 callers', direction: 'down', size: 4 * kibibyte, callers: 64, most: 100_000 },
  { name: '1 MiB up, 4 callers', direction: 'up', size: mebibyte, callers: 4, most: 200 },
  { name: '1 MiB down, 4 callers', direction: 'down', size: mebibyte, callers: 4, most: 1000 },
  { name: '256 MiB up', direction: 'up', size: 256 * mebibyte, callers: 1, most: 2 },
  { name: '256 MiB down', direction: 'down', size: 256 * mebibyte, callers: 1, most: 2 },
]

/** Files up and down against servers that others wrote, each as it comes: what they hash and flush, and what they do not, is their own. */
export const bytesBench: Bench = async ({ rounds, seconds, say }) => {
  await using stack = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'artifact-store-bytes-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const contenders: Contender[] = []
  for (const [name, start] of Object.entries(starts)) {
    const directory = await partOfDisk(root, name)
    const contender = await start(directory).catch((error: Error) => error.message)
    if (contender === undefined) say(`${name}: not installed, left out`)
    else if (typeof contender === 'string') say(`${name}: left out, it does not start: ${contender}`)
    else contenders.push(stack.use(contender))
  }
  const measured = new Map<string, ByteMeasurement[]>()
  const failed = new Set<Contender>()
  const stored = new Map<Contender, Stored>(contenders.map(contender => [contender, new Map()]))
  const note = (name: string, result: ByteMeasurement, round: number) => {
    measured.set(name, [...(measured.get(name) ?? []), result])
    say(`round ${round}: ${name}: ${describe(result)}`)
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const kernel of ['portable', 'native'] as const) {
      const hashed = await hashInMemory(kernel)
      if (hashed) note(`both digests in memory, ${kernel}`, hashed, round)
    }
    for (const load of loads) {
      for (const contender of contenders) {
        if (failed.has(contender) || (load.direction === 'tar' && !contender.tar)) continue
        const name = `${contender.name}, ${load.name}`
        const result = await measure(contender, load, seconds, stored.get(contender) ?? new Map()).catch((error: Error) => error)
        // One that ends in the middle must not take the others' figures with it; what it has measured before counts.
        if (result instanceof Error) {
          say(`round ${round}: ${name}: left out from here on, it failed: ${result.message}`)
          failed.add(contender)
        } else {
          note(name, result, round)
        }
      }
    }
  }
  const results = Object.fromEntries([...measured].map(([name, all]) => [name, medianBytes(all)]))
  return { rounds, results, ratios: ratiosOf(results) }
}

const starts: Readonly<Record<string, (directory: string) => Promise<Contender | undefined>>> = {
  'ours, portable': directory => startOurs(directory, 'portable'),
  'ours, native': directory => startOurs(directory, 'native'),
  nginx: startNginx,
  'CNCF registry': startRegistry,
  '@tus/server': startTus,
}

async function hashInMemory(choice: 'portable' | 'native'): Promise<ByteMeasurement | undefined> {
  const kernel = await openHashKernel(choice).catch(() => undefined)
  if (!kernel) return undefined
  const { pieces, size } = newPayload(256 * mebibyte)
  const hasher = await createContentHasher(kernel)
  const begun = performance.now()
  for (const piece of pieces) hasher.update(piece)
  hasher.digests()
  return { megabytesPerSecond: size / 1e6 / ((performance.now() - begun) / 1000) }
}

function describe({ megabytesPerSecond, requestsPerSecond, cpuSecondsPerGib, peakMegabytes }: ByteMeasurement): string {
  const parts = [`${Math.round(megabytesPerSecond)} MB/s`]
  if (requestsPerSecond !== undefined) parts.push(`${Math.round(requestsPerSecond)} files/s`)
  if (cpuSecondsPerGib !== undefined) parts.push(`${twoDigits(cpuSecondsPerGib)} s of processor time a GiB`)
  if (peakMegabytes !== undefined) parts.push(`${Math.round(peakMegabytes)} MB at most`)
  return parts.join(', ')
}

function ratiosOf(results: Readonly<Record<string, ByteMeasurement>>): Record<string, number> {
  const ratios: Record<string, number> = {}
  const compare = (one: string, other: string) => {
    const [mine, others] = [results[one]?.megabytesPerSecond, results[other]?.megabytesPerSecond]
    if (mine !== undefined && others !== undefined) ratios[`${one} / ${other}`] = twoDigits(mine / others)
  }
  for (const kernel of ['portable', 'native']) {
    const ours = `ours, ${kernel}`
    compare(`${ours}, 256 MiB up`, 'CNCF registry, 256 MiB up')
    compare(`${ours}, 256 MiB up`, `both digests in memory, ${kernel}`)
    compare(`${ours}, 256 MiB down`, 'nginx, 256 MiB down')
    for (const callers of [16, 64])
      compare(`${ours}, 4 KiB up, ${callers} callers`, `CNCF registry, 4 KiB up, ${callers} callers`)
    compare(`${ours}, 4 KiB up, a tar stream`, 'CNCF registry, 4 KiB up, 16 callers')
    compare(`${ours}, 4 KiB up, a tar stream`, 'nginx, 4 KiB up, 16 callers')
  }
  return ratios
}

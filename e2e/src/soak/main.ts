import { randomInt } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type RunningStore, startStore } from '../running-store.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { transfersSoak } from './transfers-soak.ts'
import { tusSoak } from './tus-soak.ts'

interface SoakOptions {
  readonly mebibytes: number | undefined
  readonly kills: number
  readonly transfers: number
  readonly seed: number
  readonly say: (line: string) => void
}

/** `npm run soak -- NAME`: what takes too long for `npm test`. Each ends with one line of JSON, and with exit code 1 where something is not right. */
const soaks: Readonly<Record<string, (store: RunningStore, options: SoakOptions) => Promise<{ readonly right: boolean }>>> = {
  async tus(store, { mebibytes = 5120, kills, seed, say }) {
    say(`an upload of ${mebibytes} MiB with ${kills} kills; --seed ${seed} has them again`)
    const result = await tusSoak(store, { size: mebibytes * mebibyte, kills, seed, say })
    const { expected, stored, fetched } = result
    const isRight = stored.digest === expected.digest && stored.sha256 === expected.sha256 && fetched === expected.sha256
    return { right: isRight, ...result }
  },
  async transfers(store, { mebibytes = 1024, transfers, seed, say }) {
    say(`${transfers} files of ${mebibytes} MiB up at once, and then down; --seed ${seed} has them again`)
    const result = await transfersSoak(store, { size: mebibytes * mebibyte, transfers, seed, say })
    return { right: result.wrong === 0, ...result }
  },
}
const mebibyte = 1024 * 1024

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** How large a file is, in MiB. */
    mebibytes: { type: 'string' },
    kills: { type: 'string', default: '20' },
    transfers: { type: 'string', default: '64' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
})
const soak = soaks[positionals.join(' ')]
if (soak === undefined) {
  process.stderr.write(
    'usage: npm run soak -- tus [--mebibytes 5120] [--kills 20] [--seed N]\n' +
      '       npm run soak -- transfers [--mebibytes 1024] [--transfers 64] [--seed N]\n',
  )
  process.exit(2)
}
await using scratch = await temporaryDirectory()
const dataDirectory = join(scratch.path, 'data')
await mkdir(dataDirectory, { recursive: true })
await using store = await startStore({ dataDirectory })
const started = performance.now()
const { right, ...result } = await soak(store, {
  mebibytes: values.mebibytes === undefined ? undefined : Number(values.mebibytes),
  kills: Number(values.kills),
  transfers: Number(values.transfers),
  seed: Number(values.seed),
  say: line => void process.stdout.write(`${line}\n`),
})
process.stdout.write(`${JSON.stringify({ right, seconds: Math.round((performance.now() - started) / 1000), ...result })}\n`)
process.exitCode = right ? 0 : 1

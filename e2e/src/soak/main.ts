import { randomInt } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startStore } from '../running-store.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { tusSoak } from './tus-soak.ts'

/** `npm run soak -- tus`: what takes too long for `npm test`. Ends with one line of JSON; exit code 1 where the bytes are not right. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** How large the upload is, in MiB. */
    mebibytes: { type: 'string', default: '5120' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
})
if (positionals.join(' ') !== 'tus') {
  process.stderr.write('usage: npm run soak -- tus [--mebibytes 5120] [--kills 20] [--seed N]\n')
  process.exit(2)
}
const [size, kills, seed] = [Number(values.mebibytes) * 1024 * 1024, Number(values.kills), Number(values.seed)]
const say = (line: string) => void process.stdout.write(`${line}\n`)

say(`an upload of ${values.mebibytes} MiB with ${kills} kills; --seed ${seed} has them again`)
await using scratch = await temporaryDirectory()
const dataDirectory = join(scratch.path, 'data')
await mkdir(dataDirectory, { recursive: true })
await using store = await startStore({ dataDirectory })
const started = performance.now()
const result = await tusSoak(store, { size, kills, seed, say })
const { expected, stored, fetched } = result
const isRight = stored.digest === expected.digest && stored.sha256 === expected.sha256 && fetched === expected.sha256
say(JSON.stringify({ right: isRight, seconds: Math.round((performance.now() - started) / 1000), ...result }))
process.exitCode = isRight ? 0 : 1

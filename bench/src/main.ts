import { parseArgs } from 'node:util'
import { appendBench } from './append/append-bench.ts'
import type { Bench } from './harness/bench.ts'

const benches: Readonly<Record<string, Bench>> = { append: appendBench }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '3' } },
})
const [name = ''] = positionals
const bench = benches[name]
if (!bench) {
  process.stderr.write(
    `which bench? npm run bench -- NAME [--rounds 3] [--seconds 3], where NAME is one of: ${Object.keys(benches).join(', ')}\n`,
  )
  process.exitCode = 2
} else {
  const report = await bench({
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    say: line => void process.stdout.write(`${line}\n`),
  })
  process.stdout.write(`${JSON.stringify({ bench: name, ...report })}\n`)
  // The peer keeps timers of its own.
  process.exit(0)
}

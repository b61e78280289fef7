import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { appendBench } from './append/append-bench.ts'
import { bytesBench } from './bytes/bytes-bench.ts'
import type { Bench } from './harness/bench.ts'
import { hashBench } from './hash/hash-bench.ts'
import { httpBench } from './http/http-bench.ts'
import { pushBench } from './push/push-bench.ts'
import { relayBench } from './relay/relay-bench.ts'
import { replayBench } from './replay/replay-bench.ts'

const benches: Readonly<Record<string, Bench>> = {
  append: appendBench,
  bytes: bytesBench,
  hash: hashBench,
  http: httpBench,
  push: pushBench,
  relay: relayBench,
  replay: replayBench,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    events: { type: 'string' },
    ways: { type: 'string' },
    keep: { type: 'string' },
  },
})
const [name = ''] = positionals
const bench = benches[name]
if (!bench) {
  process.stderr.write(
    `which bench? npm run bench -- NAME [--rounds 3] [--seconds 3] [--events 100000,1000000] [--ways replay] [--keep DIRECTORY], where NAME is one of: ${Object.keys(benches).join(', ')}\n`,
  )
  process.exitCode = 2
} else {
  const report = await bench({
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    events: values.events?.split(',').map(Number),
    ways: values.ways?.split(','),
    keep: values.keep === undefined ? undefined : resolve(values.keep),
    say: line => void process.stdout.write(`${line}\n`),
  })
  process.stdout.write(`${JSON.stringify({ bench: name, ...report })}\n`)
  // The peer keeps timers of its own.
  process.exit(0)
}

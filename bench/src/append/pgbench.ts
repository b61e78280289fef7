import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import type { Measurement } from '../harness/bench.ts'
import { percentile } from '../harness/callers.ts'
import { samplePayload } from './contender.ts'
import { migrateLog } from './same-table.ts'

/** PostgreSQL's own program for measuring it, which comes with a server's packages: whether it is installed. */
export async function hasPgbench(): Promise<boolean> {
  const child = spawn('pgbench', ['--version'], { stdio: 'ignore' })
  return once(child, 'exit').then(
    ([code]) => code === 0,
    () => false,
  )
}

/**
 * Single-row inserts into the log's own table, each a transaction, by pgbench: so many clients, each on a connection of its own, prepared
 * statements, numbers from a database sequence (which no log may use: readers would miss events).
 */
export async function measurePgbench(url: string, clients: number, seconds: number): Promise<Measurement> {
  await migrateLog(url)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('create sequence bench_sequence')
  await client.end()
  const directory = await mkdtemp(join(tmpdir(), 'artifact-store-pgbench-'))
  try {
    const script = join(directory, 'insert.sql')
    // No colon before a letter: pgbench would take what follows it for a variable.
    await writeFile(
      script,
      `insert into log.events (sequence, subject_revision, created_at, event_type, subject_kind, subject_id, actor, payload, payload_digest)
       values (nextval('bench_sequence'), 1, now(), 'v1.package.created', 'package', gen_random_uuid()::text, 'user' || chr(58) || 'alice@example.com',
               '${JSON.stringify(samplePayload(1))}', decode('${'00'.repeat(32)}', 'hex'));`.replaceAll(/\n\s+/g, ' '),
    )
    const args = [
      '-n',
      '-M',
      'prepared',
      '-f',
      script,
      '-c',
      String(clients),
      '-T',
      String(Math.max(2, Math.round(seconds))),
      '-l',
      `--log-prefix=${join(directory, 'log')}`,
    ]
    const child = spawn('pgbench', [...args, url], { stdio: ['ignore', 'pipe', 'pipe'] })
    const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    const rate = /tps = ([\d.]+)/.exec(output)?.[1]
    if (code !== 0 || rate === undefined) throw new Error(`pgbench ended with ${code}: ${errors}${output}`)
    return { eventsPerSecond: Number(rate), ...(await latencies(directory)) }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** From pgbench's log of transactions: client, number, microseconds, and more. */
async function latencies(directory: string): Promise<{ p50Ms: number; p99Ms: number }> {
  const all: number[] = []
  for (const file of await readdir(directory)) {
    if (!file.startsWith('log')) continue
    for (const line of (await readFile(join(directory, file), 'utf8')).trimEnd().split('\n'))
      all.push(Number(line.split(' ')[2]) / 1000)
  }
  all.sort((a, b) => a - b)
  return { p50Ms: percentile(all, 0.5), p99Ms: percentile(all, 0.99) }
}

import { createBell, openJetStream, postgresLogReader, runRelay } from '@artifact-store/log'
import { Pool } from 'pg'

// A relay as a process of its own, to be killed: node relay-process.ts DATABASE_URL NATS_URL
const [databaseUrl = '', url = ''] = process.argv.slice(2)
const pool = new Pool({ connectionString: databaseUrl })
pool.on('error', () => undefined)
await runRelay({
  log: postgresLogReader(pool),
  stream: openJetStream({ url, source: '/artifact-store', timeoutMs: 1000 }),
  bell: createBell(),
  pollMs: 20,
  lookEveryMs: 200,
  batchSize: 16,
  window: 64,
  signal: new AbortController().signal,
})

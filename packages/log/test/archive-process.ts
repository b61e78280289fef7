import { archiveOnce, keepPartitionsOnce } from '@artifact-store/log'
import { directoryArchive } from '@artifact-store/testkit'
import { Pool } from 'pg'

// Archives all that is full, without end, to be killed: node archive-process.ts DATABASE_URL DIRECTORY
const [databaseUrl = '', directory = ''] = process.argv.slice(2)
const pool = new Pool({ connectionString: databaseUrl })
pool.on('error', () => undefined)
const store = await directoryArchive(directory)
for (;;) {
  await keepPartitionsOnce(pool, { keySeconds: 0 })
  await archiveOnce(pool, store, { afterSeconds: 0, graceSeconds: 0, maxEvents: 8 })
}

import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { blake3, canonicalEnvelope, catalogue, type StoredEvent } from '@artifact-store/core'
import { startPostgres } from '@artifact-store/embedded'
import { logMigrations, maxFetch, migrate, openPostgresLog } from '@artifact-store/log'
import { createViewWriter, replay, stateDigest, viewMigrations } from '@artifact-store/views'
import { Client, Pool } from 'pg'
import { insertEvents } from '../insert-events.ts'
import { writeEventLine } from './format.ts'
import { formsOf } from './forms.ts'
import { sampleHistory } from './sample-history.ts'
import { type FileHashes, hashFiles, readStoredLog, storedFiles, storedIndex, storedLogs, storedVersions } from './stored-log.ts'
import { viewRows } from './view-rows.ts'

/**
 * Stores the log that the present code writes, as that of a version: appended and projected in a PostgreSQL of its own. A version that has one
 * keeps it: what was released does not change.
 */
export async function storeLog(version: string): Promise<'stored' | 'was stored'> {
  if (storedVersions().includes(version)) return 'was stored'
  await using postgres = await migratedPostgres()
  const events = await writeHistory(postgres.pool)
  await mkdir(fileOf(version, ''), { recursive: true })
  await writeFile(
    fileOf(version, storedFiles.events),
    gzipSync(events.map(event => `${writeEventLine(event)}\n`).join(''), { level: 9 }),
  )
  await writeFile(fileOf(version, storedFiles.forms), formsText(events))
  await writeFile(fileOf(version, storedFiles.schemas), `${JSON.stringify(payloadSchemas(), undefined, 1)}\n`)
  await writeFile(fileOf(version, storedFiles.state), await stateText(postgres.pool))
  await writeIndex(version, hashFiles(version))
  return 'stored'
}

/** Writes anew what the present views show of each stored log, where they were changed on purpose. The events stay as they are. */
export async function renewStates(): Promise<void> {
  for (const version of storedVersions()) {
    await using postgres = await migratedPostgres()
    await insertEvents(postgres.pool, readStoredLog(version).events)
    await writeFile(fileOf(version, storedFiles.state), await stateText(postgres.pool))
    const { [storedFiles.state]: hash = '' } = hashFiles(version)
    // Only this one: if another file has changed, the test has to tell.
    await writeIndex(version, { ...storedIndex()[version], [storedFiles.state]: hash })
  }
}

async function writeHistory(pool: Pool): Promise<readonly StoredEvent[]> {
  const log = openPostgresLog(pool)
  const history = sampleHistory()
  // Appends of different sizes, some of which share a batch and so a time.
  const appends: Promise<unknown>[] = []
  for (let at = 0; at < history.length; ) {
    const [first, ...others] = history.slice(at, at + 1 + (at % 7))
    if (first) appends.push(log.append({ key: randomUUID(), conditions: [], events: [first, ...others] }))
    at += 1 + others.length
    if (at % 3 === 0) await Promise.all(appends)
  }
  await Promise.all(appends)
  return log.fetchSince(0, maxFetch)
}

/**
 * The shortest of each type, and the shortest of those with a subject or an actor that is hard to carry; before them one digest over the
 * envelopes of all.
 */
function formsText(events: readonly StoredEvent[]): string {
  const envelopesDigest = Buffer.from(blake3(events.map(event => `${canonicalEnvelope(event)}\n`).join(''))).toString('hex')
  const shortest = new Map<string, StoredEvent>()
  for (const event of events) {
    const key = `${event.eventType} ${/^[!-~]*$/.test(event.subjectId + event.actor)}`
    const other = shortest.get(key)
    if (!other || event.payloadJson.length < other.payloadJson.length) shortest.set(key, event)
  }
  const forms = [...shortest.values()].toSorted((a, b) => a.sequence - b.sequence).map(formsOf)
  return [{ envelopesDigest }, ...forms].map(form => `${JSON.stringify(form)}\n`).join('')
}

/** The schema of what each type says, as JSON Schema. */
function payloadSchemas(): Record<string, unknown> {
  return Object.fromEntries(Object.entries(catalogue).map(([type, { payload }]) => [type, payload.toJSONSchema()]))
}

async function stateText(pool: Pool): Promise<string> {
  await replay(openPostgresLog(pool), createViewWriter(pool), { reset: true })
  const head = JSON.stringify(await stateDigest(pool))
  return [head, ...(await viewRows(pool))].map(line => `${line}\n`).join('')
}

async function writeIndex(version: string, hashes: FileHashes): Promise<void> {
  const index = { ...storedIndex(), [version]: hashes }
  await writeFile(new URL('index.json', storedLogs), `${JSON.stringify(index, undefined, 2)}\n`)
}

function fileOf(version: string, file: string): URL {
  return new URL(`${version}/${file}`, storedLogs)
}

async function migratedPostgres(): Promise<AsyncDisposable & { readonly pool: Pool }> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'artifact-store-stored-log-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const postgres = stack.use(await startPostgres({ directory: join(directory, 'postgres'), settings: { fsync: 'off' } }))
  const client = new Client({ connectionString: postgres.url('postgres') })
  await client.connect()
  await migrate(client, [logMigrations, viewMigrations])
  await client.end()
  const pool = new Pool({ connectionString: postgres.url('postgres') })
  // It says that it has ended before its sessions have, and these are told that the server stops.
  pool.on('error', () => undefined)
  stack.defer(() => pool.end())
  const opened = stack.move()
  return { pool, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoredEvent } from '@artifact-store/core'
import { archiveFullPartitions, directoryArchive } from './archive.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { insertEvents } from './insert-events.ts'
import { type ServiceUnderTest, startService } from './service-under-test.ts'
import { smallPartitions } from './small-partitions.ts'

/** The three services as processes, on a database and a blob directory of their own. */
export interface RunningSystem extends AsyncDisposable {
  readonly database: TestDatabase
  readonly gateway: ServiceUnderTest
  readonly logWriter: ServiceUnderTest
  readonly projector: ServiceUnderTest
  /** The first admin token. */
  readonly token: string
  /** The directory where the blobs are, unless there is another backend. */
  readonly blobs: string
  /** Where the log's archive is. */
  readonly logArchive: string
  /** Archives every partition of the log that is full, at once and for good. */
  archiveFullPartitions(): Promise<void>
  /** One more gateway on the same database and blobs. @param settings beside or instead of those of the first. */
  startGateway(settings?: Readonly<Record<string, string>>): Promise<ServiceUnderTest>
}

export interface SystemOptions {
  /** What the log holds before they start; nothing when absent. */
  readonly events?: readonly StoredEvent[] | undefined
  /** How many events a partition of the log holds; as many as in production when absent. */
  readonly partitionEvents?: number | undefined
  /** What the environment of every service has beside its own. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Where the bytes are, in the place of a directory, and what a gateway's environment needs for it. */
  readonly backend?: { readonly url: string; readonly env: Readonly<Record<string, string>> } | undefined
}

/** Starts them without a broker: what needs one says so and starts one. */
export async function startSystem({
  events = [],
  partitionEvents,
  backend,
  env: common = {},
}: SystemOptions = {}): Promise<RunningSystem> {
  await using stack = new AsyncDisposableStack()
  const blobs = await mkdtemp(join(tmpdir(), 'artifact-store-blobs-'))
  stack.defer(() => rm(blobs, { recursive: true, force: true }))
  const logArchive = await mkdtemp(join(tmpdir(), 'artifact-store-log-archive-'))
  stack.defer(() => rm(logArchive, { recursive: true, force: true }))
  const database = stack.use(await createTestDatabase())
  if (partitionEvents !== undefined) await smallPartitions(database.pool, partitionEvents)
  await insertEvents(database.pool, events)
  const token = 'test-admin-token'
  const logWriterToken = 'test-log-writer-token'
  const shared = { ...common, LOG_ARCHIVE_URL: `fs://${logArchive}` }
  const logWriter = stack.use(
    await startService('log-writer', {
      env: { ...shared, DATABASE_URL: database.urlFor('log_writer'), LOG_WRITER_TOKEN: logWriterToken },
    }),
  )
  const projector = stack.use(await startService('projector', { env: { ...shared, DATABASE_URL: database.urlFor('projector') } }))
  const env = {
    ...shared,
    DATABASE_URL: database.urlFor('gateway'),
    LOG_WRITER_URL: logWriter.url,
    LOG_WRITER_TOKEN: logWriterToken,
    BLOBS_URL: backend?.url ?? `fs://${blobs}`,
    ...backend?.env,
    BOOTSTRAP_TOKEN: token,
  }
  const gateway = stack.use(await startService('gateway', { env }))
  const started = stack.move()
  return {
    database,
    gateway,
    logWriter,
    projector,
    token,
    blobs,
    logArchive,
    async archiveFullPartitions() {
      await using store = await directoryArchive(logArchive)
      await archiveFullPartitions(database, store)
    },
    startGateway: async settings => started.use(await startService('gateway', { env: { ...env, ...settings } })),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

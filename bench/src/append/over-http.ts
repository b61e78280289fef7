import { logMigrations, migrate, openRemoteLog, type RemoteLogOptions } from '@artifact-store/log'
import pg from 'pg'
import { startLogWriterProcess } from '../harness/log-writer-process.ts'
import type { Contender } from './contender.ts'
import { appendThrough } from './our-log.ts'

/** Our log as a gateway has it: through a log-writer that is a process of its own, requests batched by the client. */
export function openOverHttp(url: string): Promise<Contender> {
  return open(url, {})
}

/** The same with one request for each append, as many at once as there are callers: what many clients with one caller each would do. */
export function openOverHttpUnbatched(url: string, callers: number): Promise<Contender> {
  return open(url, { maxAppendsPerRequest: 1, maxInFlight: callers })
}

async function open(url: string, how: Partial<RemoteLogOptions>): Promise<Contender> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await migrate(client, [logMigrations])
  await client.end()
  const logWriter = await startLogWriterProcess(url)
  const log = openRemoteLog({ urls: [logWriter.url], token: logWriter.token, ...how })
  return {
    append: events => appendThrough(log, events),
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      await logWriter[Symbol.asyncDispose]()
    },
  }
}

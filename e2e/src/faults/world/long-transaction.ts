import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

/**
 * Holds a transaction open that has read the log and the views, has written something of its own and holds back the horizon of the whole
 * database, as a backup or somebody's forgotten session does. One that is lost because the server was killed is begun again at once.
 */
export function holdTransaction(url: () => string): AsyncDisposable {
  let over = false
  let current: Client | undefined
  const holding = (async () => {
    while (!over) {
      const client = new Client({ connectionString: url(), connectionTimeoutMillis: 1000 })
      client.on('error', () => {})
      const ended = new Promise<void>(resolve => client.once('end', () => resolve()))
      try {
        await client.connect()
        current = client
        await client.query('begin isolation level repeatable read')
        await client.query('create table if not exists public.held (at timestamptz)')
        await client.query('insert into public.held values (now())')
        await client.query('select count(*) from log.events')
        await client.query('select count(*) from views.artifact_packages')
        if (!over) await ended
      } catch {
        // The server is down, or full: it is tried again.
      }
      await client.end().catch(() => undefined)
      if (!over) await sleep(50)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      over = true
      await current?.end().catch(() => undefined)
      await holding
    },
  }
}

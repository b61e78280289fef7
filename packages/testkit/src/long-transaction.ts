import { Client } from 'pg'

/** Two transactions that somebody has left open: one has written, the other reads from an old snapshot. */
export interface LongTransaction extends AsyncDisposable {
  /** @throws Error unless both are open still, and are those that were opened. */
  stillOpen(): Promise<void>
}

/**
 * Leaves them open in that database until it is disposed of: for whoever wants to show that nothing waits for them. They hold no lock that others
 * want, as a forgotten session or a long report would, but no `pg_snapshot_xmin` in the cluster goes beyond them, and no dead row is removed.
 */
export async function longTransaction(databaseUrl: string): Promise<LongTransaction> {
  await using stack = new AsyncDisposableStack()
  const open = async (begin: string) => {
    const client = new Client({ connectionString: databaseUrl, application_name: 'a long transaction' })
    // A connection that is cut says so here too; `stillOpen` tells it.
    client.on('error', () => undefined)
    await client.connect()
    stack.defer(() => client.end())
    await client.query(`set idle_in_transaction_session_timeout = 0; ${begin}`)
    return client
  }
  const writer = await open('begin; create temporary table left_open (x integer); insert into left_open values (1)')
  const reader = await open('begin isolation level repeatable read; select from pg_class limit 1')
  const states = async () => ({
    transactionId: await only(writer, 'select pg_current_xact_id_if_assigned()::text as value'),
    snapshot: await only(reader, 'select pg_current_snapshot()::text as value'),
  })
  const opened = await states()
  const held = stack.move()
  return {
    async stillOpen() {
      const now = await states()
      if (now.transactionId !== opened.transactionId || now.snapshot !== opened.snapshot)
        throw new Error(`the long transaction was ${JSON.stringify(opened)} and is ${JSON.stringify(now)}`)
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function only(client: Client, query: string): Promise<string> {
  const { rows } = await client.query<{ value: string | null }>(query)
  return rows[0]?.value ?? 'none'
}

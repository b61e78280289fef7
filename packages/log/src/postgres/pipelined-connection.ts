import type { Pool, PoolClient } from 'pg'

/** A connection taken from a pool that sends a statement while the one before it is at work. It cannot have a cursor. */
export interface PipelinedConnection {
  readonly client: PoolClient
  /** Has it closed when it is given back, because nobody knows what state it is in. */
  giveUp(why: Error): void
  giveBack(): void
}

export async function takePipelined(pool: Pool): Promise<PipelinedConnection> {
  const client = await pool.connect()
  let broken: Error | undefined
  const giveUp = (why: Error) => {
    broken = why
  }
  // A connection that is cut says so to its listeners, and fails the query as well. Without a listener it would end the process.
  client.on('error', giveUp)
  const { pipeline: asFound } = client
  Object.assign(client, { pipeline: true })
  return {
    client,
    giveUp,
    giveBack() {
      Object.assign(client, { pipeline: asFound })
      client.off('error', giveUp)
      client.release(broken)
    },
  }
}

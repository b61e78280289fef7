import type { Pool, PoolClient } from 'pg'

/**
 * Runs `work` in a transaction on a connection of the pool: committed when it resolves, rolled back when it throws. A connection that
 * cannot even roll back is thrown away.
 * @param end what commits it, and what is to be done right before that without another round trip.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  begin = 'begin',
  end = 'commit',
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  // A connection that is cut says so to its listeners, and fails the query as well. Without a listener it would end the process.
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  try {
    await client.query(begin)
    const result = await work(client)
    await client.query(end)
    return result
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure
    })
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

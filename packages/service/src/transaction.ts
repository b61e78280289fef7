/** What `withTransaction` needs of a pool; `pg.Pool` is one. */
export interface TransactionPool<C extends TransactionClient> {
  connect(): Promise<C>
}

export interface TransactionClient {
  query(text: string): Promise<unknown>
  release(destroy?: Error | boolean): void
}

/**
 * Runs `work` in a transaction of its own: committed when it resolves, rolled back when it throws. A connection that cannot
 * even roll back is thrown away. When the commit itself fails by a lost connection, whether it took effect is unknown.
 * @param options.begin the statement that opens it, e.g. `begin isolation level repeatable read read only`.
 */
export async function withTransaction<C extends TransactionClient, T>(
  pool: TransactionPool<C>,
  work: (client: C) => Promise<T>,
  options: { begin?: string | undefined } = {},
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query(options.begin ?? 'begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    try {
      await client.query('rollback')
    } catch (cause) {
      broken = cause instanceof Error ? cause : new Error('rollback failed', { cause })
    }
    throw error
  } finally {
    client.release(broken)
  }
}

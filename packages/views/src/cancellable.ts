import type { Pool } from 'pg'

/** Runs a statement that may take minutes, and has the database stop it when the signal aborts. @throws the signal's reason then. */
export async function cancellable(pool: Pool, signal: AbortSignal, text: string, values: readonly unknown[]): Promise<void> {
  signal.throwIfAborted()
  const client = await pool.connect()
  let broken: Error | undefined
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    // Of a connection that is gone there is nothing to cancel.
    const cancel = () => void pool.query('select pg_cancel_backend($1)', [rows[0]?.pid]).catch(() => undefined)
    signal.addEventListener('abort', cancel, { once: true })
    try {
      await client.query(text, [...values])
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    client.off('error', onError)
    // A cancel that comes late would hit whatever the connection does next.
    client.release(broken ?? signal.aborted)
  }
}

import { createBell } from '../bell.ts'
import type { Queryable } from './queryable.ts'

export interface KeepPartitionsOptions {
  readonly signal: AbortSignal
  /** For how many seconds the key of an append is remembered at least; how much longer depends on how long its partition takes to fill. */
  readonly keySeconds?: number
  /** How long between two looks, in milliseconds. */
  readonly everyMs?: number
  /** Told of what failed; it is tried again at the next look. */
  readonly onError?: (error: unknown) => void
}

/** Looks after the log's partitions, now and then, until the signal aborts. Several may do it at once. */
export async function keepPartitions(connection: Queryable, options: KeepPartitionsOptions): Promise<void> {
  const { signal, everyMs = 60_000, onError } = options
  while (!signal.aborted) {
    try {
      await keepPartitionsOnce(connection, options)
    } catch (error) {
      if (!signal.aborted) onError?.(error)
    }
    await createBell().wait(0, everyMs, signal)
  }
}

/**
 * Makes the next partition before it is needed, closes full ones, and forgets the keys of old ones. Appending does not depend on it: that makes
 * a partition itself which is missing, and finds a subject in many open ones too, only more slowly.
 */
export async function keepPartitionsOnce(
  connection: Queryable,
  { signal, keySeconds = 7 * 24 * 3600 }: Pick<KeepPartitionsOptions, 'keySeconds'> & { readonly signal?: AbortSignal } = {},
): Promise<void> {
  await connection.query({ text: 'select log.keep_partitions_ahead()' })
  while (!signal?.aborted && (await carrySome(connection)));
  while (!signal?.aborted && (await forgetSome(connection, keySeconds)));
}

/** @returns whether there may be more. Where a transaction is open that has read the log, it is left for another time. */
async function forgetSome(connection: Queryable, keySeconds: number): Promise<boolean> {
  const { rows } = await connection.query<{ more: boolean }>({
    text: 'select log.forget_keys(make_interval(secs => $1)) as more',
    values: [keySeconds],
  })
  return rows[0]?.more === true
}

/** @returns whether there is more. A piece is a transaction of its own, so that nobody waits long for its rows. */
async function carrySome(connection: Queryable): Promise<boolean> {
  const { rows } = await connection.query<{ more: boolean }>({ text: 'select log.carry_subjects() as more' })
  return rows[0]?.more === true
}

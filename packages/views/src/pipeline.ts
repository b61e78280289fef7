import { takePipelined } from '@artifact-store/log'
import type { Pool, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg'

/** A connection in a transaction, whose statements run in the order in which they are sent, without waiting for each other's answers. */
export interface Pipeline {
  /** The answer need not be waited for. After a statement has failed, that is the answer to all that come behind it, and to the commit. */
  query<Answer extends QueryResultRow>(statement: QueryConfig): Promise<QueryResult<Answer>>
}

export interface TransactionOptions {
  /** After how long without another statement the server gives the transaction up, and with it what it has locked: the network may have swallowed this
   * process. 0 for no limit. */
  readonly idleLimitMs: number
  /** Whether a statement is planned each time, as the tables are then, or once a session. */
  readonly planned: 'each time' | 'once'
}

/**
 * Runs `work` in a transaction on a connection of the pool: committed when it resolves and everything that it sent succeeds, rolled back
 * otherwise. A connection that cannot even roll back is thrown away.
 */
export async function inPipelinedTransaction<T>(
  pool: Pool,
  { idleLimitMs, planned }: TransactionOptions,
  work: (pipeline: Pipeline) => Promise<T>,
): Promise<T> {
  const { client, giveUp, giveBack } = await takePipelined(pool)
  try {
    const pipeline = pipelineOver(client)
    void pipeline.query({ text: 'begin' })
    void pipeline.query({ name: 'views-settings', text: settings, values: [String(idleLimitMs), planModes[planned]] })
    const result = await work(pipeline)
    // It need not be known yet whether all that was sent succeeded: if not, the server makes a rollback of it.
    await pipeline.query({ text: 'commit' })
    return result
  } catch (error) {
    await client.query('rollback').catch(giveUp)
    throw error
  } finally {
    giveBack()
  }
}

// Rows are found by their keys, always. Views that grow from nothing within a transaction have no statistics, or those of empty tables, by which
// reading them from end to end is best; a plan that was made then must not be kept when they are large.
const settings = `select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
  set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', $2, true), set_config('idle_in_transaction_session_timeout', $1, true)`

const planModes = { 'each time': 'force_custom_plan', once: 'force_generic_plan' } as const

function pipelineOver(client: PoolClient): Pipeline {
  let failure: { readonly error: unknown } | undefined
  return {
    query<Answer extends QueryResultRow>(statement: QueryConfig) {
      const answer = client.query<Answer>(statement).then(
        result => {
          if (failure) throw failure.error
          return result
        },
        (error: unknown) => {
          failure ??= { error }
          throw failure.error
        },
      )
      return expected(answer)
    },
  }
}

/** The same promise, whose failure is nobody's until somebody waits for it. */
export function expected<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

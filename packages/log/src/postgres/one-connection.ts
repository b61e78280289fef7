import { DatabaseError, type Pool } from 'pg'
import { type PipelinedConnection, takePipelined } from './pipelined-connection.ts'
import type { Queryable } from './queryable.ts'

/**
 * One connection of the pool for all statements that are asked for at the same time, so that they are run in their order. A statement is sent while
 * the one before it is at work, and the server goes on without a pause. The connection is given back when nothing is left to answer, and given
 * up when it broke.
 */
export function oneConnection(pool: Pool): Queryable {
  let current: Shared | undefined
  const leave = (shared: Shared) => {
    if (current === shared) current = undefined
  }
  return {
    async query(config) {
      current ??= { connection: takePipelined(pool), statements: 0 }
      const shared = current
      shared.statements += 1
      try {
        const { client, giveUp } = await shared.connection
        return await client.query(config).catch((error: Error) => {
          // What the server answers leaves the connection whole.
          if (!(error instanceof DatabaseError)) {
            giveUp(error)
            leave(shared)
          }
          throw error
        })
      } finally {
        shared.statements -= 1
        if (shared.statements === 0) {
          leave(shared)
          await shared.connection.then(
            connection => connection.giveBack(),
            () => undefined,
          )
        }
      }
    },
  }
}

interface Shared {
  readonly connection: Promise<PipelinedConnection>
  /** That have no answer yet. */
  statements: number
}

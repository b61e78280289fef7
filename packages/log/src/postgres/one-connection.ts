import { DatabaseError } from 'pg'
import type { ConnectionPool, Queryable } from './queryable.ts'

/**
 * One connection of the pool for all statements that are asked for at the same time, so that they are run in their order. A statement is sent while
 * the one before it is at work, and the server goes on without a pause. The connection is given back when nothing is left to answer, and given
 * up when it broke.
 */
export function oneConnection(pool: ConnectionPool): Queryable {
  let current: Shared | undefined
  return {
    async query(config) {
      current ??= { connection: pipelined(pool), statements: 0 }
      const shared = current
      shared.statements += 1
      try {
        const connection = await shared.connection
        return await connection.query(config)
      } catch (error) {
        // What the server answers leaves the connection whole.
        if (!(error instanceof DatabaseError)) {
          shared.broken ??= error instanceof Error ? error : new Error(String(error))
          if (current === shared) current = undefined
        }
        throw error
      } finally {
        shared.statements -= 1
        if (shared.statements === 0) {
          if (current === shared) current = undefined
          await shared.connection.then(connection => giveBack(connection, shared.broken)).catch(() => undefined)
        }
      }
    },
  }
}

async function pipelined(pool: ConnectionPool): Promise<Connection> {
  return Object.assign(await pool.connect(), { pipeline: true })
}

function giveBack(connection: Connection, broken: Error | undefined): void {
  // Others who take it from the pool may want a cursor, which a pipelined connection cannot have.
  Object.assign(connection, { pipeline: false })
  connection.release(broken)
}

type Connection = Awaited<ReturnType<ConnectionPool['connect']>>

interface Shared {
  readonly connection: Promise<Connection>
  /** That have no answer yet. */
  statements: number
  broken?: Error
}

import { randomBytes } from 'node:crypto'
import { Pool } from 'pg'
import { inject } from 'vitest'
import type { ProcessRole } from './roles.ts'

/** A PostgreSQL database that one test, or one test file, has to itself. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string
  /** Connects as the superuser, who owns everything in it. */
  readonly url: string
  /** Connections of the superuser. */
  readonly pool: Pool
  /** Connects as a process does. */
  urlFor(role: ProcessRole): string
  /** Connections of a process's role; closed with the database. */
  poolFor(role: ProcessRole): Pool
}

export interface TestDatabaseOptions {
  /** False for a database without any table. */
  readonly migrated?: boolean
}

/**
 * Makes a database of its own, with all migrations run. Disposing of it closes its pools and drops it, which fails after five
 * seconds when a connection that somebody else made is still open: whoever opened it forgot to close it.
 */
export async function createTestDatabase({ migrated = true }: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { adminUrl, rolePassword, template } = inject('artifactStore')
  const name = `test_${randomBytes(6).toString('hex')}`
  await runAsAdmin(adminUrl, `create database ${name} template ${migrated ? template : 'template0'}`)
  const pools = new Map<string, Pool>()

  function poolOf(url: string): Pool {
    const pool = pools.get(url) ?? new Pool({ connectionString: url, max: 100 })
    pools.set(url, pool)
    return pool
  }
  const url = databaseUrl(adminUrl, name)
  const urlFor = (role: ProcessRole) => databaseUrl(adminUrl, name, { user: role, password: rolePassword })
  return {
    name,
    url,
    get pool() {
      return poolOf(url)
    },
    urlFor,
    poolFor: role => poolOf(urlFor(role)),
    async [Symbol.asyncDispose]() {
      await Promise.all([...pools.values()].map(pool => pool.end()))
      // Without `force`: a pool says that it has ended before its sessions have, and these would be told that they were cut.
      await runAsAdmin(adminUrl, `drop database ${name}`)
    },
  }
}

function databaseUrl(adminUrl: string, database: string, login?: { user: string; password: string }): string {
  const url = new URL(adminUrl)
  url.pathname = `/${database}`
  if (login) {
    url.username = login.user
    url.password = login.password
  }
  return url.href
}

async function runAsAdmin(adminUrl: string, sql: string): Promise<void> {
  const pool = new Pool({ connectionString: adminUrl, max: 1 })
  try {
    await pool.query(sql)
  } finally {
    await pool.end()
  }
}

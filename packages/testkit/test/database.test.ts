import { createTestDatabase, processRoles, startTestNats } from '@artifact-store/testkit'
import { connect } from 'nats'
import { Pool } from 'pg'
import { describe, expect, inject, it } from 'vitest'

describe('a test database', () => {
  it('is migrated, empty, and nobody else’s', async () => {
    await using one = await createTestDatabase()
    await using other = await createTestDatabase()
    await one.pool.query('create table mine (x integer)')
    expect((await one.pool.query('select count(*)::int as events from log.events')).rows).toEqual([{ events: 0 }])
    await expect(other.pool.query('select * from mine')).rejects.toThrow('"mine" does not exist')
  })

  it('lets each process log in as itself', async () => {
    await using database = await createTestDatabase()
    for (const role of processRoles) {
      expect((await database.poolFor(role).query('select current_user as role')).rows).toEqual([{ role }])
    }
  })

  it('can be without any table', async () => {
    await using database = await createTestDatabase({ migrated: false })
    await expect(database.pool.query('select * from log.events')).rejects.toThrow('"log.events" does not exist')
  })

  it('is gone when it is disposed of', async () => {
    const database = await createTestDatabase()
    await database[Symbol.asyncDispose]()
    const admin = new Pool({ connectionString: inject('artifactStore').adminUrl })
    expect((await admin.query('select from pg_database where datname = $1', [database.name])).rowCount).toBe(0)
    await admin.end()
  })
})

describe('a test NATS server', () => {
  it('has JetStream, and is nobody else’s', async () => {
    await using one = await startTestNats()
    await using other = await startTestNats()
    for (const { url, port } of [one, other]) {
      const { username, password } = new URL(url)
      const connection = await connect({ servers: `127.0.0.1:${port}`, user: username, pass: password })
      const manager = await connection.jetstreamManager()
      await manager.streams.add({ name: 'events', subjects: ['events.>'] })
      expect((await manager.getAccountInfo()).streams).toBe(1)
      await connection.close()
    }
  })
})

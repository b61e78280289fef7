import { newPackageId } from '@artifact-store/core'
import { randomHistory } from '@artifact-store/testkit'
import { registryViews, stateDigest } from '@artifact-store/views'
import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { getTableConfig } from '../src/drizzle.ts'
import { created } from './events.ts'
import { useTestViews } from './test-views.ts'

const views = await useTestViews()

describe('the state digest', () => {
  it('tells the position with which it was read', async () => {
    expect(await stateDigest(views.reader)).toMatchObject({ position: 0, digest: expect.stringMatching(/^blake3:[0-9a-f]{64}$/) })
    await views.show(created(newPackageId()))
    expect(await stateDigest(views.reader)).toMatchObject({ position: 1 })
  })

  it('does not depend on the settings of the session that reads', async () => {
    await views.show(...randomHistory({ seed: 21, length: 500 }))
    const options = '-c timezone=Asia/Kathmandu -c datestyle=German -c extra_float_digits=-5 -c intervalstyle=sql_standard'
    const pool = new Pool({ connectionString: views.database.urlFor('gateway'), options })
    expect(await stateDigest(pool)).toEqual(await stateDigest(views.reader))
    // And leaves them as they were.
    expect((await pool.query('show timezone')).rows).toEqual([{ TimeZone: 'Asia/Kathmandu' }])
    await pool.end()
  })

  it('is another one whatever has changed: any cell of any view, or a row that is missing', async () => {
    await views.show(...randomHistory({ seed: 22, length: 500 }))
    const seen = new Set([(await stateDigest(views.reader)).digest])
    const expectAnother = async (change: string) => {
      await views.database.pool.query(change)
      const { digest } = await stateDigest(views.reader)
      expect(seen, change).not.toContain(digest)
      seen.add(digest)
    }
    for (const { table } of registryViews) {
      const { name, columns } = getTableConfig(table)
      const oneRow = `where ctid = (select min(ctid) from views.${name})`
      for (const column of columns)
        await expectAnother(`update views.${name} set ${column.name} = ${otherValue(column.name, column.getSQLType())} ${oneRow}`)
      await expectAnother(`delete from views.${name} ${oneRow}`)
    }
  })

  it('covers more rows than are read at once', async () => {
    const fill = `insert into views.retention_state select gen_random_uuid(), 'default', null, '{}' from generate_series(1, 10001)`
    await views.database.pool.query(fill)
    const before = await stateDigest(views.reader)
    const last = 'select package_id from views.retention_state order by package_id desc limit 1'
    await views.database.pool.query(`update views.retention_state set retention_class = 'other' where package_id = (${last})`)
    expect(await stateDigest(views.reader)).not.toEqual(before)
  })

  it('gives its connection back fit for use, also when it fails', async () => {
    const pool = new Pool({ connectionString: views.database.urlFor('log_writer'), max: 1 })
    await expect(stateDigest(pool)).rejects.toThrow('permission denied')
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await pool.end()
  })
})

function otherValue(column: string, type: string): string {
  switch (type) {
    case 'bigint':
      return `coalesce(${column}, 0) + 1`
    case 'text':
      return `coalesce(${column}, '') || 'x'`
    case 'jsonb':
      return `jsonb_build_array(${column})`
    case 'uuid':
      return 'gen_random_uuid()'
    default:
      return `coalesce(${column}, 'epoch') + interval '1 millisecond'`
  }
}

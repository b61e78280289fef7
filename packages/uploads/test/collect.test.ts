import { describe, expect, it } from 'vitest'
import { hour, newUpload, piece, useTestUploads } from './test-uploads.ts'

const system = await useTestUploads()
const { signal } = new AbortController()
const bytes = Buffer.alloc(5000, 7)

async function expire(id: string): Promise<void> {
  await system.database.pool.query(`update uploads.sessions set expires_at = now() - interval '1 second' where upload_id = $1`, [
    id,
  ])
}

async function staged(): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { id } of system.store.staging.list()) ids.push(id)
  return ids
}

describe('an upload whose time is over', () => {
  it('is not found any more, and goes with its bytes when it is collected; others stay', async () => {
    const here = system.gateway()
    const old = await here.begin(newUpload(10_000))
    const young = await here.begin(newUpload(10_000))
    for (const { id } of [old, young]) await here.append(id, 'ci', piece(0, bytes))
    await expire(old.id)
    await expect(here.look(old.id, 'ci')).rejects.toMatchObject({ kind: 'upload-not-found' })
    const both = await Promise.all([here.collect(signal), system.gateway().collect(signal)])
    expect(both.reduce((sum, { expired }) => sum + expired, 0)).toBe(1)
    expect(await system.row(old.id)).toBeUndefined()
    expect(await staged()).toEqual([young.id])
  })

  it('has more of it with every piece', async () => {
    const here = system.gateway()
    const { id } = await here.begin(newUpload(10_000))
    await system.database.pool.query(
      `update uploads.sessions set expires_at = now() + interval '1 minute' where upload_id = $1`,
      [id],
    )
    const { upload } = await here.append(id, 'ci', piece(0, bytes))
    expect(upload.expiresAt.getTime() - Date.now()).toBeGreaterThan(hour / 2)
  })

  it('is not taken from under one who writes', async () => {
    const here = system.gateway()
    const { id } = await here.begin(newUpload(10_000))
    async function* slow() {
      yield bytes
      await expire(id)
      expect(await system.gateway().collect(signal)).toMatchObject({ expired: 0 })
      yield bytes
    }
    expect((await here.append(id, 'ci', piece(0, slow()))).upload.phase).toBe('completed')
  })
})

describe('bytes that belong to no upload', () => {
  it('are removed when they are old, and left alone while they may be of one that just begins', async () => {
    const here = system.gateway()
    const writer = await system.store.staging.resume('of-nobody', { size: 0 }, { alone: true })
    await writer.write(bytes)
    await writer.flush()
    expect(await here.collect(signal)).toMatchObject({ orphans: 0 })
    expect(await system.gateway({ expiryMs: -1 }).collect(signal)).toMatchObject({ orphans: 1 })
    expect(await staged()).not.toContain('of-nobody')
  })
})

describe('the grants', () => {
  it('let nobody but the gateway see uploads, and not even it change what they are', async () => {
    const denied = expect.objectContaining({ code: '42501' })
    for (const role of ['log_writer', 'projector'] as const) {
      const pool = system.database.poolFor(role)
      for (const statement of [
        'select from uploads.sessions',
        'delete from uploads.sessions',
        'insert into uploads.sessions default values',
      ])
        await expect(pool.query(statement)).rejects.toEqual(denied)
    }
    const gateway = system.database.poolFor('gateway')
    for (const statement of [
      'truncate uploads.sessions',
      'drop table uploads.sessions',
      'create table uploads.more (id text)',
      'alter table uploads.sessions add column x text',
    ])
      await expect(gateway.query(statement)).rejects.toEqual(denied)
    expect((await gateway.query('select from uploads.sessions')).rowCount).toBeGreaterThan(0)
  })
})

import { cp, rm } from 'node:fs/promises'
import { Client } from 'pg'
import { eventually } from '../../eventually.ts'
import type { World } from '../world/world.ts'
import type { Fault } from './fault.ts'

/**
 * Loses what was acknowledged, as no fault does: the database is put back to an older copy of itself. A suite that does not find this finds
 * nothing. It is never among the faults that are chosen.
 */
export const sabotage: Fault = {
  name: 'sabotage:older-copy',
  weight: 1,
  async inject(world) {
    const [postgres] = world.partsOf('postgres')
    const copy = `${world.directories.postgres}-older`
    const release = await postgres?.kill()
    await cp(world.directories.postgres, copy, { recursive: true })
    release?.()
    const before = await eventually('the log can be read', () => head(world))
    await eventually('something is written', async () => (((await head(world)) ?? 0) > before + 10 ? true : undefined))
    const releaseAgain = await postgres?.kill()
    await rm(world.directories.postgres, { recursive: true })
    await cp(copy, world.directories.postgres, { recursive: true })
    world.note(`the database is an older copy of itself, with a log up to ${before}`)
    return () => releaseAgain?.()
  },
}

async function head(world: World): Promise<number | undefined> {
  const client = new Client({ connectionString: world.postgresUrl(), connectionTimeoutMillis: 1000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ head: string }>('select coalesce(max(sequence), 0) as head from log.events')
    return Number(rows[0]?.head)
  } catch {
    return undefined
  } finally {
    await client.end().catch(() => undefined)
  }
}

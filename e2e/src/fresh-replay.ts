import { randomBytes } from 'node:crypto'
import { logMigrations, migrate, postgresLogReader } from '@artifact-store/log'
import { createViewWriter, replay, type StateDigest, stateDigest, viewMigrations } from '@artifact-store/views'
import { Client, Pool } from 'pg'
import { z } from 'zod'
import { eventually } from './eventually.ts'
import { keptAccess, type RunningStore } from './running-store.ts'

/** Replays the log of a running store into a database that has never held anything, and tells the state that this comes to. */
export async function freshReplay(store: RunningStore): Promise<StateDigest> {
  const { postgresUrl } = await keptAccess(store.launcher.dataDirectory)
  const name = `replayed_${randomBytes(6).toString('hex')}`
  await withClient(postgresUrl('postgres'), client => client.query(`create database ${name}`))
  await withClient(postgresUrl(name), client => migrate(client, [logMigrations, viewMigrations]))
  const live = new Pool({ connectionString: postgresUrl('artifact_store'), max: 2 })
  const fresh = new Pool({ connectionString: postgresUrl(name), max: 2 })
  try {
    await replay(postgresLogReader(live), createViewWriter(fresh), { reset: true })
    return await stateDigest(fresh)
  } finally {
    await Promise.all([live.end(), fresh.end()])
  }
}

/** What the projector says that the live views are, as soon as it says so of this position. */
export async function liveState(store: RunningStore, position: number): Promise<z.infer<typeof stateSchema>> {
  return await eventually(`the live views are at ${position}`, async () => {
    const answer = await fetch(`${store.serviceUrl('projector')}/v1/state-digest`).catch(() => undefined)
    const state = answer?.ok ? stateSchema.parse(await answer.json()) : undefined
    return state?.position === position ? state : undefined
  })
}

const stateSchema = z.object({ position: z.int(), digest: z.string() })

async function withClient(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

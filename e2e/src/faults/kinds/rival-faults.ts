import { createBell, eventSource, keepPartitions, openJetStream, postgresLogReader, runRelay } from '@artifact-store/log'
import { createViewWriter, drain } from '@artifact-store/views'
import { Pool } from 'pg'
import type { World } from '../world/world.ts'
import type { Fault } from './fault.ts'

/** A second one of what there should be only one of, which takes no part in any election. */
export const rivalFaults: readonly Fault[] = [
  rival('relay', async (world, signal) => {
    await using pool = poolOf(world, 'log_writer')
    await using stream = openJetStream({ url: world.natsUrl(), source: eventSource, timeoutMs: 1000 })
    await runRelay({ log: postgresLogReader(pool), stream, bell: createBell(), signal, pollMs: 20, lookEveryMs: 200 })
  }),
  rival('partition keeper', async (world, signal) => {
    await using pool = poolOf(world, 'log_writer')
    await keepPartitions(pool, { signal, everyMs: 50 })
  }),
  rival('projector', async (world, signal) => {
    await using pool = poolOf(world, 'projector')
    const [log, writer] = [postgresLogReader(pool), createViewWriter(pool)]
    while (!signal.aborted) {
      // Whoever is second finds the views moved, and begins again from where they are.
      await drain(log, events => writer.apply(events), { after: await writer.position(), batchSize: 100, signal }).catch(
        () => undefined,
      )
      await createBell().wait(0, 20, signal)
    }
  }),
]

function rival(what: string, compete: (world: World, signal: AbortSignal) => Promise<void>): Fault {
  return {
    name: `rival:${what.replace(' ', '-')}`,
    weight: 5,
    async inject(world) {
      const leaving = new AbortController()
      world.note(`a second ${what} is at work`)
      const competing = compete(world, leaving.signal).catch((error: unknown) => {
        // What it depends on may be down because of another fault.
        world.note(`the second ${what} gave up: ${error instanceof Error ? error.message : String(error)}`)
      })
      return async () => {
        leaving.abort()
        await competing
      }
    },
  }
}

function poolOf(world: World, role: string): Pool & AsyncDisposable {
  const pool = new Pool({ connectionString: world.postgresUrl(role), max: 2, connectionTimeoutMillis: 2000 })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() })
}

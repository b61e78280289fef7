import { readdir, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'nats'
import type { Dice } from '../dice.ts'
import { jetStreamStore, natsLogin } from '../world/servers.ts'
import type { World } from '../world/world.ts'
import type { Fault } from './fault.ts'

const stream = 'ARTIFACT_STORE_EVENTS'

/** What happens to the server's files while it is down, and to the stream while it is up. */
export const jetStreamFaults: readonly Fault[] = [
  whileDown('deleted', async store => {
    await rm(store, { recursive: true, force: true })
    return 'all of it'
  }),
  whileDown('truncated', async (store, dice) => {
    const entries = await readdir(store, { recursive: true, withFileTypes: true }).catch(() => [])
    const blocks = entries.filter(entry => entry.isFile() && entry.name.endsWith('.blk'))
    const files = blocks.length > 0 && dice.chance(0.8) ? blocks : entries.filter(entry => entry.isFile())
    if (files.length === 0) return 'nothing, as there is nothing'
    const chosen = dice.oneOf(files)
    const path = join(chosen.parentPath, chosen.name)
    const size = (await stat(path).catch(() => undefined))?.size
    // Another fault may have been faster.
    if (size === undefined) return 'nothing, as it is gone'
    const left = dice.below(size + 1)
    await truncate(path, left)
    return `${chosen.name} from ${size} to ${left} bytes`
  }),
  viaApi('purged', async (connection, dice) => {
    const manager = await connection.jetstreamManager()
    const { state } = await manager.streams.info(stream)
    await manager.streams.purge(stream, { seq: dice.chance(0.5) ? state.last_seq + 1 : dice.between(1, state.last_seq + 1) })
  }),
  viaApi('removed', async connection => {
    const manager = await connection.jetstreamManager()
    await manager.streams.delete(stream)
  }),
]

function whileDown(what: string, damage: (store: string, dice: Dice) => Promise<string>): Fault {
  return {
    name: `jetstream:${what}`,
    weight: 4,
    async inject(world, dice) {
      const releases = await Promise.all(world.partsOf('nats').map(nats => nats.kill()))
      world.note(`jetstream ${what}: ${await damage(jetStreamStore(world.directories.nats), dice)}`)
      return () => {
        for (const release of releases) release()
      }
    },
  }
}

function viaApi(what: string, damage: (connection: Awaited<ReturnType<typeof connect>>, dice: Dice) => Promise<void>): Fault {
  return {
    name: `stream:${what}`,
    weight: 4,
    async inject(world, dice) {
      world.note(
        await damaged(world, connection => damage(connection, dice)).then(
          () => `the stream was ${what}`,
          // The server may be down, or without a stream, because of another fault.
          (error: unknown) => `the stream could not be ${what}: ${error instanceof Error ? error.message : String(error)}`,
        ),
      )
      return () => {}
    },
  }
}

async function damaged(world: World, damage: (connection: Awaited<ReturnType<typeof connect>>) => Promise<void>): Promise<void> {
  const { user, password } = natsLogin
  const connection = await connect({
    servers: new URL(world.natsUrl()).host,
    user,
    pass: password,
    timeout: 1000,
    reconnect: false,
  })
  try {
    await damage(connection)
  } finally {
    await connection.close()
  }
}

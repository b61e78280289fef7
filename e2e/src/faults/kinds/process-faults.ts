import { descendantsOf, listProcesses, send } from '../../processes.ts'
import type { PartKind } from '../world/world.ts'
import type { Fault } from './fault.ts'

const kinds: readonly PartKind[] = ['gateway', 'log-writer', 'projector', 'postgres', 'nats']

/** `kill -9`, and a start some time later. */
const kills = kinds.map(
  (kind): Fault => ({
    name: `kill:${kind}`,
    weight: 4,
    async inject(world, dice) {
      const victims = dice.chance(0.25) ? world.partsOf(kind) : [dice.oneOf(world.partsOf(kind))]
      const release = await Promise.all(victims.map(part => part.kill()))
      return () => {
        for (const letStart of release) letStart()
      }
    },
  }),
)

/** SIGSTOP, and SIGCONT some time later: a process that was away and does not know it. */
const freezes = kinds.map(
  (kind): Fault => ({
    name: `freeze:${kind}`,
    weight: 2,
    async inject(world, dice) {
      return await dice.oneOf(world.partsOf(kind)).freeze()
    },
  }),
)

/** One backend of PostgreSQL is killed: the server takes its memory for damaged, ends all sessions and recovers. */
const killBackend: Fault = {
  name: 'kill:postgres-backend',
  weight: 3,
  async inject(world, dice) {
    const listed = await listProcesses()
    const [postmaster] = await Promise.all(world.partsOf('postgres').map(part => part.processes()))
    const backends = descendantsOf(postmaster?.[0]?.pid ?? 0, listed).filter(({ command }) =>
      /^postgres: \w+ \w+ [\d.]+\(\d+\)/.test(command),
    )
    if (backends.length > 0) send(dice.oneOf(backends).pid, 'SIGKILL')
    world.note(`killed one of ${backends.length} backends of postgres`)
    return () => {}
  },
}

export const processFaults: readonly Fault[] = [...kills, ...freezes, killBackend]

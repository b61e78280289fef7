import type { DiskName } from '../world/places.ts'
import type { World } from '../world/world.ts'
import type { Fault } from './fault.ts'

const names: readonly DiskName[] = ['postgres', 'nats', 'blobs']

/** No byte is left on the disk of one part, for a while. */
export const diskFaults: readonly Fault[] = names.map(
  (name): Fault => ({
    name: `disk-full:${name}`,
    weight: 4,
    needs: 'small-disks',
    async inject(world) {
      const free = await world.disks.get(name)?.fill()
      world.note(`no room is left on the disk of ${name}`)
      return async () => {
        await free?.()
        world.note(`there is room again on the disk of ${name}`)
        if (name === 'nats') await restartNats(world)
      }
    },
  }),
)

/** A server that could not write switches JetStream off until somebody starts it anew, which is what its operator would do. */
async function restartNats(world: World): Promise<void> {
  for (const nats of world.partsOf('nats')) (await nats.kill())()
}

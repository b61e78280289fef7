import type { ClockName } from '../world/world.ts'
import type { Fault } from './fault.ts'

const names: readonly ClockName[] = ['database', 'services']
const hour = 3600

/** The wall clock of the database's machine, or of that of the services, is stepped, and later stepped back. */
export const clockFaults: readonly Fault[] = names.map(
  (name): Fault => ({
    name: `clock:${name}`,
    weight: 5,
    needs: 'fake-clock',
    async inject(world, dice) {
      const offset = dice.oneOf([-5, 5, -hour, hour, -24 * hour, 400 * 24 * hour])
      world.clocks.get(name)?.stepTo(offset)
      world.note(`the clock of the ${name} is ${offset} s off`)
      return () => {
        world.clocks.get(name)?.stepTo(0)
        world.note(`the clock of the ${name} is right again`)
      }
    },
  }),
)

import { setTimeout as sleep } from 'node:timers/promises'
import type { PlannedFault } from './plan.ts'
import type { World } from './world/world.ts'

export interface Injection {
  /** Resolves when all have been injected. */
  readonly begun: Promise<unknown>
  /** Resolves when all are over. */
  readonly healed: Promise<unknown>
}

/** Injects each fault at its time, and heals each at its own. */
export function injectAll(world: World, faults: readonly PlannedFault[]): Injection {
  const injected = faults.map(async ({ fault, at, dice }) => {
    await sleep(at)
    return await fault.inject(world, dice)
  })
  const healed = injected.map(async (injecting, index) => {
    const heal = await injecting
    await sleep(faults[index]?.lasts)
    await heal()
    world.note(`${faults[index]?.fault.name} is over`)
  })
  return { begun: Promise.all(injected), healed: Promise.all(healed) }
}

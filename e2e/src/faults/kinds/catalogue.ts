import { clockFaults } from './clock-faults.ts'
import { diskFaults } from './disk-faults.ts'
import type { Fault } from './fault.ts'
import { jetStreamFaults } from './jetstream-faults.ts'
import { networkFaults } from './network-faults.ts'
import { processFaults } from './process-faults.ts'
import { rivalFaults } from './rival-faults.ts'

/** All that can go wrong here, and must not make a difference. */
export const allFaults: readonly Fault[] = [
  ...processFaults,
  ...networkFaults,
  ...diskFaults,
  ...jetStreamFaults,
  ...rivalFaults,
  ...clockFaults,
]

/**
 * @param only names or beginnings of names up to the colon, with commas between them; all faults when absent.
 * @throws RangeError for a name that no fault has.
 */
export function chooseFaults(only: string | undefined): readonly Fault[] {
  if (only === undefined) return allFaults
  return only.split(',').flatMap(name => {
    const found = allFaults.filter(fault => fault.name === name || fault.name.startsWith(`${name}:`))
    if (found.length === 0)
      throw new RangeError(`there is no fault "${name}"; there are ${allFaults.map(fault => fault.name).join(', ')}`)
    return found
  })
}

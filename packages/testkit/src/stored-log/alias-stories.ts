import type { NewEvent } from '@artifact-store/core'
import { longReason, packageIdOf, textOf } from './sample-values.ts'
import { tell } from './tell.ts'

/** Names that point at packages. */
export function aliasStories(): NewEvent[] {
  const [first, second] = [packageIdOf(2), packageIdOf(3)]
  const reasons = new Map([
    ['a', undefined],
    ['b', 'a'],
    [textOf(300), longReason()],
  ])
  return [...reasons].flatMap(([name, reason]) => [
    tell('v1.alias.set', name, { packageId: first }),
    tell('v1.alias.set', name, { packageId: second, previousPackageId: first }),
    tell('v1.alias.removed', name, { previousPackageId: second, reason }),
  ])
}

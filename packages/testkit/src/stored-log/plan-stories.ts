import type { NewEvent, PayloadOf } from '@artifact-store/core'
import { contentOf, largest, longReason, textOf } from './sample-values.ts'
import { tell } from './tell.ts'

/** Policies and what was planned by them. */
export function planStories(): NewEvent[] {
  const [planDigest, policyDigest] = [contentOf('plan').digest, contentOf('policy').digest]
  return [
    tell('v1.policy.published', 'a', { version: 1, policyDigest, rules: [] }),
    tell('v1.policy.published', textOf(300), { version: largest, policyDigest, rules: anyRules() }),
    tell('v1.plan.created', 'a', {
      planDigest,
      planSize: 0,
      position: 0,
      policyDigest,
      packageCount: 0,
      blobCount: 0,
      totalSize: 0,
    }),
    tell('v1.plan.approved', 'a', { planDigest }),
    tell('v1.plan.approved', 'a', { planDigest, reason: 'a' }),
    tell('v1.plan.executed', 'a', { planDigest, deletedPackages: 0, trashedBlobs: 0, keptItems: 0, totalSize: 0 }),
    tell('v1.plan.created', textOf(300), {
      planDigest,
      planSize: largest,
      position: largest,
      policyDigest,
      packageCount: largest,
      blobCount: largest,
      totalSize: largest,
    }),
    tell('v1.plan.approved', textOf(300), { planDigest, reason: longReason() }),
    tell('v1.plan.executed', textOf(300), {
      planDigest,
      deletedPackages: largest,
      trashedBlobs: largest,
      keptItems: largest,
      totalSize: largest,
    }),
  ]
}

type Rules = PayloadOf<'v1.policy.published'>['rules']

/** As many rules as there may be, with every kind of JSON value; one is nested as deep as it may. */
function anyRules(): Rules {
  const numbers = [0, -1, 0.1, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, Number.MIN_SAFE_INTEGER, 333333333.3333333]
  const keys = { '': 1, '\u{1f600}': 2, '\ufb33': 3, é: 4, B: 5, a: 6, 'a"b\\c': 7, '10': 8, '9': 9, __proto: null }
  let deep: Rules[number] = 'deep'
  for (let depth = 0; depth < 126; depth += 1) deep = depth % 2 === 0 ? [deep] : { in: deep }
  const special: Rules = [null, true, false, '', textOf(3000), numbers, keys, {}, [], deep]
  return [...special, ...Array.from({ length: 1000 - special.length }, (_, i) => i)]
}

import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks until there is an answer that is not undefined.
 * @param what completes the sentence "… did not happen".
 * @param within milliseconds: a deadline for a machine of whatever speed, never a measurement.
 * @throws Error naming `what` when the deadline has passed.
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  within = 60_000,
): Promise<T> {
  const deadline = performance.now() + within
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`within ${within / 1000} s it did not happen that ${what}`)
    await sleep(20)
  }
}

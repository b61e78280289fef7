import { longTransaction } from '@artifact-store/testkit'

/**
 * Measures while somebody has left two transactions open in that database, one that has written and one with an old snapshot: what makes
 * readers stall that go by the oldest transaction, and keeps vacuum from removing anything.
 * @throws Error when they did not stay open.
 */
export async function besideLongTransaction<T>(databaseUrl: string, measure: () => Promise<T>): Promise<T> {
  await using others = await longTransaction(databaseUrl)
  const measured = await measure()
  await others.stillOpen()
  return measured
}

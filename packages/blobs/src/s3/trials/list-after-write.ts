import { listObjects } from '../list.ts'
import { deleteObject, putObject } from '../objects.ts'
import { type Bench, fails, sample, type Trial, works } from './trial.ts'

/** Lists that have what was written a moment before, and no longer what was removed. */
export const listAfterWriteTrial: Trial = {
  capability: 'list-after-write',
  async run(bench) {
    for (let round = 0; round < 3; round += 1) {
      const key = bench.newKey()
      await putObject(bench.calls, key, sample(16, round), bench)
      if (!(await isListed(bench, key))) return fails('an object was not listed right after it was written')
      await deleteObject(bench.calls, key, bench)
      if (await isListed(bench, key)) return fails('an object was still listed right after it was removed')
    }
    return works('objects were listed right after they were written, and not after they were removed')
  },
}

async function isListed({ calls, signal }: Bench, key: string): Promise<boolean> {
  for await (const object of listObjects(calls, key, { signal })) if (object.key === key) return true
  return false
}

import { putObject } from '../objects.ts'
import { bytesAt } from './bytes-at.ts'
import { fails, sample, type Trial, works } from './trial.ts'

const size = 96 * 1024

/** Parts of an object: the beginning, from an offset, and the end. */
export const rangeTrial: Trial = {
  capability: 'range',
  async run(bench) {
    const key = bench.newKey()
    const bytes = sample(size, 1)
    await putObject(bench.calls, key, bytes, bench)
    for (const [start, end] of [
      [0, 10],
      [1, 2],
      [4097, 70_001],
      [size - 5, size],
    ] as const) {
      const got = await bytesAt(bench, key, `bytes=${start}-${end - 1}`)
      const asked = `bytes ${start} to ${end - 1} of an object were asked for`
      if (got.status !== 206) return fails(`${asked}, and the answer had status ${got.status}`)
      if (got.contentRange !== `bytes ${start}-${end - 1}/${size}`)
        return fails(`${asked}, and "${got.contentRange}" was answered`)
      if (!got.bytes.equals(bytes.subarray(start, end))) return fails(`${asked}, and other bytes came`)
    }
    return works('parts of an object came as they were asked for, from offsets too')
  },
}

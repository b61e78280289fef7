import { CopyObjectCommand } from '@aws-sdk/client-s3'
import { copyPiece } from '../copy.ts'
import { abortMultipart, beginMultipart, completeMultipart } from '../multipart.ts'
import { putObject } from '../objects.ts'
import { bytesAt } from './bytes-at.ts'
import { refusalOf } from './refusal.ts'
import { fails, sample, type Trial, works } from './trial.ts'

/** Copies of an object, made in the server. */
export const copyTrial: Trial = {
  capability: 'copy',
  async run(bench) {
    const { calls, signal } = bench
    const [from, to] = [bench.newKey(), bench.newKey()]
    await putObject(calls, from, sample(5000, 1), bench)
    await putObject(calls, to, sample(10, 2), bench)
    const refused = await refusalOf(
      calls.call(
        'copy an object',
        (client, Bucket, options) =>
          client.send(new CopyObjectCommand({ Bucket, Key: to, CopySource: `${Bucket}/${encodeURI(from)}` }), options),
        { signal },
      ),
    )
    if (refused !== undefined) return fails(`it was refused with status ${refused}`)
    if (!(await bytesAt(bench, to)).bytes.equals(sample(5000, 1))) return fails('the copy had other bytes')
    return works('the copy took the place of another object and had the right bytes')
  },
}

/** Parts of an upload that are copied out of another object, in the server: how objects above 5 GiB are copied. */
export const copyPartTrial: Trial = {
  capability: 'copy-part',
  async run(bench) {
    const { calls } = bench
    const [from, to] = [bench.newKey(), bench.newKey()]
    const bytes = sample(5000, 1)
    await putObject(calls, from, bytes, bench)
    const { upload } = await beginMultipart(calls, to, bench)
    try {
      // One part only: all but the last have to be large.
      const copied = copyPiece(calls, { ...upload, number: 1, from, start: 1000, end: 4001, signal: bench.signal })
      const refused = await refusalOf(copied)
      if (refused !== undefined) return fails(`it was refused with status ${refused}`)
      await completeMultipart(calls, upload, [await copied], bench)
      if (!(await bytesAt(bench, to)).bytes.equals(bytes.subarray(1000, 4001))) return fails('the copied part had other bytes')
      return works('a part that was copied from an offset had the right bytes')
    } finally {
      await abortMultipart(calls, upload, bench)
    }
  },
}

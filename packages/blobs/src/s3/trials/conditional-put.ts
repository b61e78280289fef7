import { PutObjectCommand } from '@aws-sdk/client-s3'
import { bytesAt } from './bytes-at.ts'
import { refusalOf } from './refusal.ts'
import { type Bench, fails, sample, type Trial, works } from './trial.ts'

/** A put that must not replace anything: `If-None-Match: *`. */
export const conditionalPutTrial: Trial = {
  capability: 'conditional-put',
  async run(bench) {
    const key = bench.newKey()
    if ((await refusalOf(putUnlessThere(bench, key, sample(16, 1)))) !== undefined)
      return fails('it was refused where nothing stood')
    const refused = await refusalOf(putUnlessThere(bench, key, sample(16, 2)))
    const { bytes } = await bytesAt(bench, key)
    if (!bytes.equals(sample(16, 1))) return fails('the condition was ignored, and the object was replaced')
    if (refused !== 412) return fails(`the object stayed, and the answer was ${refused ?? 'success'} in the place of 412`)
    return works('an object that was there stayed, and the answer was 412')
  },
}

function putUnlessThere({ calls, signal }: Bench, Key: string, Body: Uint8Array): Promise<unknown> {
  return calls.call(
    'store an object under a condition',
    (client, Bucket, options) => client.send(new PutObjectCommand({ Bucket, Key, Body, IfNoneMatch: '*' }), options),
    { signal },
  )
}

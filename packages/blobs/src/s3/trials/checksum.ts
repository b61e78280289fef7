import { createHash } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { headObject } from '../objects.ts'
import { refusalOf } from './refusal.ts'
import { type Bench, fails, sample, type Trial, works } from './trial.ts'

/** A checksum that comes with the bytes (`x-amz-checksum-sha256`) and that the server compares. */
export const checksumTrial: Trial = {
  capability: 'checksum',
  async run(bench) {
    const [right, wrong] = [sample(64, 1), sample(64, 2)]
    if ((await refusalOf(putWithChecksum(bench, bench.newKey(), right, right))) !== undefined)
      return fails('bytes with their right checksum were refused')
    const key = bench.newKey()
    const refused = await refusalOf(putWithChecksum(bench, key, right, wrong))
    if ((await headObject(bench.calls, key, bench)) !== undefined) return fails('bytes with a wrong checksum were stored')
    return refused === undefined
      ? fails('bytes with a wrong checksum were accepted and not stored')
      : works(`bytes with a wrong checksum were refused with status ${refused}`)
  },
}

async function putWithChecksum({ calls, signal }: Bench, Key: string, Body: Uint8Array, summed: Uint8Array): Promise<void> {
  const ChecksumSHA256 = createHash('sha256').update(summed).digest('base64')
  await calls.call(
    'store an object with a checksum',
    (client, Bucket, options) => client.send(new PutObjectCommand({ Bucket, Key, Body, ChecksumSHA256 }), options),
    // Once: the refusal is what is hoped for.
    { signal, most: 1 },
  )
}

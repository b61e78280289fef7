import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseS3Address } from '../src/s3/address.ts'
import { S3Calls } from '../src/s3/calls.ts'
import { openS3Client } from '../src/s3/client.ts'
import { collectStaged } from '../src/s3/collect.ts'
import { s3Keys } from '../src/s3/keys.ts'
import { StagedKeys } from '../src/s3/staged-keys.ts'
import { abandonedAfter, stagingName, stagingOwner } from '../src/staging-name.ts'
import { type S3UnderTest, startS3UnderTest } from './s3-under-test.ts'

let s3: S3UnderTest
let calls: S3Calls
const keys = s3Keys('kept/')
beforeAll(async () => {
  s3 = await startS3UnderTest()
  const address = parseS3Address(new URL(s3.server.address('kept')))
  calls = new S3Calls(openS3Client(address, s3.server.credentials), address)
})
afterAll(() => s3[Symbol.asyncDispose]())

const left = () => [...s3.server.state.objects.keys(), ...[...s3.server.state.uploads.values()].map(({ key }) => key)]

describe('what unfinished puts leave in a bucket', () => {
  // No process has this id: Linux gives none above 4,194,304.
  const gone = (owner: string) => stagingName(owner).replace(/\.\d+\./, '.99999999.')

  it('is removed when its process is gone, and stays while that may go on with it', async () => {
    const owner = await stagingOwner()
    const elsewhere = '0123456789abcdef'
    const { state } = s3.server
    for (const name of [gone(owner), stagingName(owner), gone(elsewhere)]) {
      state.put(`${keys.staging}${name}`, Buffer.from('half of a blob'))
      state.begin(`${keys.staging}${name}`).parts.set(1, state.put(`${keys.trials}${name}`, Buffer.from('part')))
    }
    const foreign = [`${keys.staging}README`, 'kept/other/thing']
    for (const key of foreign) state.put(key, Buffer.from('mine'))
    const before = left()
    expect(await collectStaged(calls, keys, { staged: new StagedKeys(owner) })).toBe(3)
    expect(left()).toEqual(before.filter(key => !key.includes(`${owner}.99999999.`)))
  })

  it('is removed when nothing came to it for a day, wherever it was begun; an upload that goes on is not', async () => {
    const { state } = s3.server
    const longAgo = new Date(Date.now() - abandonedAfter - 60_000)
    const name = () => stagingName('0123456789abcdef')
    state.begin(`${keys.staging}${name()}`, longAgo)
    const goesOn = state.begin(`${keys.staging}${name()}`, longAgo)
    goesOn.parts.set(1, { bytes: Buffer.alloc(1), etag: '"1"', at: new Date() })
    expect(await collectStaged(calls, keys, { staged: new StagedKeys('fedcba9876543210') })).toBe(1)
    expect([...state.uploads.values()]).toContain(goesOn)
    expect(
      await collectStaged(calls, keys, {
        staged: new StagedKeys('fedcba9876543210'),
        now: Date.now() + 2 * abandonedAfter,
      }),
    ).toBeGreaterThan(0)
    expect([...state.uploads.values()]).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import { openBlobStore } from '../src/index.ts'
import { parseS3Address, showAddress } from '../src/s3/address.ts'

const parse = (text: string) => parseS3Address(new URL(text))

describe('the address of an S3 store', () => {
  it('needs a bucket and nothing else', () => {
    expect(parse('s3://artifacts')).toEqual({
      bucket: 'artifacts',
      prefix: '',
      endpoint: undefined,
      publicEndpoint: undefined,
      region: undefined,
      pathStyle: false,
      partSize: 8 * 1024 * 1024,
      idleTimeoutMs: 30_000,
    })
  })

  it('may say all of it', () => {
    const text =
      's3://artifacts/one/two/?endpoint=https://s3.example.org:8443/&publicEndpoint=https://files.example.org&region=eu-central-1&pathStyle=true&partMiB=5&idleTimeoutMs=500'
    expect(parse(text)).toEqual({
      bucket: 'artifacts',
      prefix: 'one/two/',
      endpoint: 'https://s3.example.org:8443',
      publicEndpoint: 'https://files.example.org',
      region: 'eu-central-1',
      pathStyle: true,
      partSize: 5 * 1024 * 1024,
      idleTimeoutMs: 500,
    })
    expect(showAddress(parse(text))).toBe(
      's3://artifacts/one/two?endpoint=https://s3.example.org:8443&region=eu-central-1&pathStyle=true',
    )
  })

  it('means the usual region of a server of one’s own where it names none', () => {
    expect(parse('s3://artifacts?endpoint=http://localhost').region).toBe('us-east-1')
  })

  it.for([
    ['s3:', 'names no bucket'],
    ['s3:///path', 'names no bucket'],
    ['s3://a', 'names no bucket'],
    ['s3://user:hunter2@artifacts', 'credentials do not belong into the address'],
    ['s3://artifacts#hunter2', 'a fragment'],
    ['s3://artifacts?endpont=http://x', 'no setting "endpont"; known are endpoint'],
    ['s3://artifacts?publicEndpoint=ftp://x', 'its publicEndpoint is not a plain http'],
    ['s3://artifacts?region=a&region=b', '"region" is given twice'],
    ['s3://artifacts?region=Frankfurt!', 'its region is none'],
    ['s3://artifacts?endpoint=localhost:9000', 'not a plain http: or https: URL'],
    ['s3://artifacts?endpoint=http://user:hunter2@x', 'not a plain http: or https: URL'],
    ['s3://artifacts?pathStyle=yes', 'pathStyle is true or false'],
    ['s3://artifacts?partMiB=0', 'partMiB is not a whole number from 1 to 512'],
    ['s3://artifacts?partMiB=5.5', 'partMiB is not a whole number'],
    ['s3://artifacts?idleTimeoutMs=1', 'idleTimeoutMs is not a whole number from 100'],
    ['s3://artifacts/a//b', 'only letters, digits'],
    ['s3://artifacts/a%20b', 'only letters, digits'],
  ] as const)('is refused as "%s", in a sentence without its secrets', async ([text, sentence]) => {
    const refusal = await openBlobStore(text).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ kind: 'configuration', message: expect.stringContaining(sentence) })
    expect(String(refusal)).not.toContain('hunter2')
  })
})

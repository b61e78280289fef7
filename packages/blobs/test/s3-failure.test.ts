import { describe, expect, it } from 'vitest'
import { parseS3Address } from '../src/s3/address.ts'
import { meaningOf, retryAfterMs, s3Error } from '../src/s3/failure.ts'

/** An answer as the SDK throws it. */
function answer(name: string, status: number, headers: Readonly<Record<string, string>> = {}): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status }, $response: { headers } })
}

const address = parseS3Address(new URL('s3://artifacts?endpoint=http://127.0.0.1:9'))

describe('a call that failed', () => {
  it.for([
    [answer('NoSuchKey', 404), 'missing'],
    [answer('NotFound', 404), 'missing'],
    [answer('NoSuchUpload', 404), 'missing'],
    [answer('NoSuchBucket', 404), 'lasting'],
    [answer('AccessDenied', 403), 'lasting'],
    [answer('NotImplemented', 501), 'lasting'],
    [answer('BadDigest', 400), 'damaged'],
    [answer('XAmzContentSHA256Mismatch', 400), 'damaged'],
    [answer('SlowDown', 503), 'down'],
    [answer('InternalError', 500), 'down'],
    [answer('TooManyRequests', 429), 'down'],
    [answer('InternalError', 200), 'down'],
    [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), 'down'],
    [Object.assign(new Error('no keys'), { name: 'CredentialsProviderError' }), 'lasting'],
    [new Error('Region is missing'), 'lasting'],
  ] as const)('is understood: %s is %s', ([error, meaning]) => {
    expect(meaningOf(error)).toBe(meaning)
  })

  it.for([
    [answer('NoSuchBucket', 404), 'backend-unavailable', 'make the bucket "artifacts", or name another one'],
    [answer('InvalidAccessKeyId', 403), 'backend-unavailable', 'check the credentials and the region'],
    [answer('AccessDenied', 403), 'backend-unavailable', 'allow these credentials to read, write, delete and list there'],
    [answer('AuthorizationHeaderMalformed', 400), 'backend-unavailable', 'check the region'],
    [answer('QuotaExceeded', 403), 'storage-full', 'free some space or raise the quota'],
    [answer('InsufficientStorage', 507), 'storage-full', 'free some space or raise the quota'],
    [
      Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
      'backend-unavailable',
      '(ECONNREFUSED); check that http://127.0.0.1:9 works',
    ],
    [Object.assign(new Error('no keys'), { name: 'CredentialsProviderError' }), 'backend-unavailable', 'set AWS_ACCESS_KEY_ID'],
    [new Error('Region is missing'), 'backend-unavailable', 'name its region: region=… in the address, or AWS_REGION'],
  ] as const)('says what to do: %s', ([error, kind, advice]) => {
    expect(s3Error('store an object', address, error)).toMatchObject({
      kind,
      cause: error,
      message: expect.stringContaining(advice),
    })
  })

  it('is made again no sooner than the server asks for', () => {
    expect(retryAfterMs(answer('SlowDown', 503, { 'retry-after': '3' }))).toBe(3000)
    expect(retryAfterMs(answer('SlowDown', 503))).toBeUndefined()
    expect(retryAfterMs(new Error('no answer'))).toBeUndefined()
  })
})

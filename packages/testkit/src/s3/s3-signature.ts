import { createHash, createHmac } from 'node:crypto'
import { S3Refusal } from './s3-refusal.ts'
import type { S3Request } from './s3-request.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** What a request says of its signature: in a header, or in its address if that was signed beforehand for anybody who has it. */
interface Given {
  readonly id: string
  readonly scope: string
  readonly signedHeaders: string
  readonly signature: string
  readonly date: string
  readonly bodyHash: string
}

/**
 * Proves who asks, by AWS Signature Version 4, and that the body is the one that was signed.
 * @throws S3Refusal
 */
export function checkSignature(request: S3Request, { accessKeyId, secretAccessKey }: S3Credentials): void {
  const given = request.query.has('X-Amz-Signature') ? inAddress(request) : inHeader(request)
  const { id, scope, signedHeaders, signature, date, bodyHash } = given
  if (id !== accessKeyId) throw new S3Refusal(403, 'InvalidAccessKeyId')
  const canonical = [
    request.method,
    request.rawPath,
    canonicalQuery(request.query),
    ...signedHeaders.split(';').map(name => `${name}:${(request.headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}`),
    '',
    signedHeaders,
    bodyHash,
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((secret, word) => hmac(secret, word), `AWS4${secretAccessKey}`)
  if (hmac(key, toSign).toString('hex') !== signature) throw new S3Refusal(403, 'SignatureDoesNotMatch')
  if (bodyHash !== 'UNSIGNED-PAYLOAD' && bodyHash !== sha256(request.body)) throw new S3Refusal(400, 'XAmzContentSHA256Mismatch')
}

function inHeader({ headers }: S3Request): Given {
  const given = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    headers['authorization'] ?? '',
  )
  const [, id, scope = '', signedHeaders = '', signature = ''] = given ?? []
  if (id === undefined) throw new S3Refusal(403, 'AccessDenied')
  const [date = '', bodyHash = ''] = [headers['x-amz-date'], headers['x-amz-content-sha256']]
  return { id, scope, signedHeaders, signature, date, bodyHash }
}

function inAddress({ query, headers }: S3Request): Given {
  // Two who ask are none.
  if (headers['authorization'] !== undefined) throw new S3Refusal(400, 'InvalidRequest')
  const said = (name: string) => query.get(`X-Amz-${name}`) ?? ''
  const [id = '', ...scope] = said('Credential').split('/')
  const date = said('Date')
  const signedAt = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(signedAt + Number(said('Expires')) * 1000 > Date.now())) throw new S3Refusal(403, 'AccessDenied')
  return {
    id,
    scope: scope.join('/'),
    signedHeaders: said('SignedHeaders'),
    signature: said('Signature'),
    date,
    bodyHash: 'UNSIGNED-PAYLOAD',
  }
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort((a, b) => (a < b ? -1 : 1))
    .join('&')
}

function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}

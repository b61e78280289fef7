import { createHash, createHmac } from 'node:crypto'
import { S3Refusal } from './s3-refusal.ts'
import type { S3Request } from './s3-request.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/**
 * Proves who asks, by AWS Signature Version 4, and that the body is the one that was signed.
 * @throws S3Refusal
 */
export function checkSignature(request: S3Request, { accessKeyId, secretAccessKey }: S3Credentials): void {
  const given = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    request.headers['authorization'] ?? '',
  )
  const [, id, scope = '', signedHeaders = '', signature] = given ?? []
  if (id === undefined) throw new S3Refusal(403, 'AccessDenied')
  if (id !== accessKeyId) throw new S3Refusal(403, 'InvalidAccessKeyId')
  const bodyHash = request.headers['x-amz-content-sha256'] ?? ''
  const canonical = [
    request.method,
    request.rawPath,
    canonicalQuery(request.query),
    ...signedHeaders.split(';').map(name => `${name}:${(request.headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}`),
    '',
    signedHeaders,
    bodyHash,
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'] ?? '', scope, sha256(canonical)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((secret, word) => hmac(secret, word), `AWS4${secretAccessKey}`)
  if (hmac(key, toSign).toString('hex') !== signature) throw new S3Refusal(403, 'SignatureDoesNotMatch')
  if (bodyHash !== 'UNSIGNED-PAYLOAD' && bodyHash !== sha256(request.body)) throw new S3Refusal(400, 'XAmzContentSHA256Mismatch')
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
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

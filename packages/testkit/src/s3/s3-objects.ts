import { createHash } from 'node:crypto'
import type { S3Quirks } from './s3-quirks.ts'
import { S3Refusal } from './s3-refusal.ts'
import { answer, type S3Answer, type S3Request, xmlAnswer } from './s3-request.ts'
import type { S3Object, S3State } from './s3-state.ts'

/** PUT, GET, HEAD and DELETE of an object, and its copy. */
export function answerObject(request: S3Request, state: S3State, quirks: S3Quirks): S3Answer {
  const { method, key } = request
  switch (method) {
    case 'PUT':
      return request.headers['x-amz-copy-source'] === undefined ? put(request, state, quirks) : copy(request, state, quirks)
    case 'GET':
    case 'HEAD':
      return get(request, found(state, key), quirks)
    case 'DELETE':
      state.remove(key)
      return answer(204)
    default:
      throw new S3Refusal(405, 'MethodNotAllowed')
  }
}

/** @throws S3Refusal when there is an object and the request says that there must be none. */
export function checkCondition({ headers, key }: S3Request, state: S3State, quirks: S3Quirks): void {
  if (quirks.ignoresConditions || headers['if-none-match'] !== '*') return
  if (state.objects.has(key)) throw new S3Refusal(412, 'PreconditionFailed')
}

/** @throws S3Refusal when the body does not have the checksum that came with it. */
export function checkChecksums({ headers, body }: S3Request, quirks: S3Quirks): void {
  if (quirks.ignoresChecksums) return
  const sha256 = headers['x-amz-checksum-sha256']
  if (sha256 !== undefined && sha256 !== createHash('sha256').update(body).digest('base64')) throw new S3Refusal(400, 'BadDigest')
  const md5 = headers['content-md5']
  if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) throw new S3Refusal(400, 'BadDigest')
}

/** The object, or the part of it, that is to be copied. */
export function copySource({ headers }: S3Request, state: S3State, quirks: S3Quirks): Buffer {
  if (quirks.refusesCopies) throw new S3Refusal(501, 'NotImplemented')
  const path = decodeURIComponent(headers['x-amz-copy-source'] ?? '').replace(/^\//, '')
  const { bytes } = found(state, path.slice(path.indexOf('/') + 1))
  const range = rangeOf(headers['x-amz-copy-source-range'], bytes.length)
  const wanted = range === undefined ? bytes : bytes.subarray(range.start, range.end)
  return quirks.copiesHalf ? wanted.subarray(0, Math.floor(wanted.length / 2)) : wanted
}

function put(request: S3Request, state: S3State, quirks: S3Quirks): S3Answer {
  checkCondition(request, state, quirks)
  checkChecksums(request, quirks)
  return answer(200, { etag: state.put(request.key, request.body).etag })
}

function copy(request: S3Request, state: S3State, quirks: S3Quirks): S3Answer {
  const bytes = Buffer.from(copySource(request, state, quirks))
  const { etag, at } = state.put(request.key, bytes)
  return xmlAnswer(200, 'CopyObjectResult', { ETag: etag, LastModified: at.toISOString() })
}

function get({ method, headers, query }: S3Request, { bytes, etag, at }: S3Object, quirks: S3Quirks): S3Answer {
  const disposition = query.get('response-content-disposition')
  const about = {
    etag,
    'last-modified': at.toUTCString(),
    'accept-ranges': 'bytes',
    'content-type': query.get('response-content-type') ?? 'application/octet-stream',
    ...(disposition === null ? {} : { 'content-disposition': disposition }),
  }
  if (method === 'HEAD') return answer(200, { ...about, 'content-length': String(bytes.length) })
  const range = rangeOf(headers['range'], bytes.length)
  if (range === undefined) return answer(200, about, bytes)
  const { start, end } = range
  const given = quirks.rangesFromTheStart ? bytes.subarray(0, end - start) : bytes.subarray(start, end)
  return answer(206, { ...about, 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }, given)
}

function found(state: S3State, key: string): S3Object {
  const object = state.objects.get(key)
  if (object === undefined) throw new S3Refusal(404, 'NoSuchKey')
  return object
}

function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '')
  if (match === null) return undefined
  const [start, end] = [Number(match[1]), match[2] === '' ? size : Math.min(Number(match[2]) + 1, size)]
  if (start >= size || start >= end) throw new S3Refusal(416, 'InvalidRange')
  return { start, end }
}

import { S3Refusal } from './s3-refusal.ts'
import { answer, type S3Answer, type S3Request, xmlAnswer } from './s3-request.ts'
import type { S3State } from './s3-state.ts'

/** What is asked of the bucket itself: whether it is there, its objects, the uploads under way. */
export function answerBucket({ method, query }: S3Request, state: S3State): S3Answer {
  if (method === 'HEAD') return answer(200)
  if (method === 'GET' && query.get('list-type') === '2') return listObjects(query, state)
  if (method === 'GET' && query.has('uploads')) return listUploads(query, state)
  throw new S3Refusal(501, 'NotImplemented')
}

function listObjects(query: URLSearchParams, state: S3State): S3Answer {
  const prefix = query.get('prefix') ?? ''
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const most = Math.min(Number(query.get('max-keys') ?? 1000), 1000)
  const rest = [...state.listing()].filter(([key]) => key.startsWith(prefix) && key > after).sort(([a], [b]) => (a < b ? -1 : 1))
  const page = rest.slice(0, most)
  const isTruncated = rest.length > page.length
  return xmlAnswer(200, 'ListBucketResult', {
    Prefix: prefix,
    KeyCount: String(page.length),
    IsTruncated: String(isTruncated),
    ...(isTruncated ? { NextContinuationToken: page.at(-1)?.[0] ?? '' } : {}),
    Contents: page.map(([key, { bytes, etag, at }]) => ({
      Key: key,
      Size: String(bytes.length),
      ETag: etag,
      LastModified: at.toISOString(),
    })),
  })
}

function listUploads(query: URLSearchParams, state: S3State): S3Answer {
  const prefix = query.get('prefix') ?? ''
  const marker = query.get('key-marker') ?? ''
  const most = Math.min(Number(query.get('max-uploads') ?? 1000), 1000)
  const rest = [...state.uploads.values()]
    .filter(({ key }) => key.startsWith(prefix) && key > marker)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const page = rest.slice(0, most)
  return xmlAnswer(200, 'ListMultipartUploadsResult', {
    IsTruncated: String(rest.length > page.length),
    NextKeyMarker: page.at(-1)?.key ?? '',
    NextUploadIdMarker: page.at(-1)?.id ?? '',
    Upload: page.map(({ key, id, begunAt }) => ({ Key: key, UploadId: id, Initiated: begunAt.toISOString() })),
  })
}

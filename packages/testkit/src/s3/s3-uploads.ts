import { checkChecksums, checkCondition, copySource } from './s3-objects.ts'
import type { S3Quirks } from './s3-quirks.ts'
import { S3Refusal } from './s3-refusal.ts'
import { answer, type S3Answer, type S3Request, xmlAnswer } from './s3-request.ts'
import { newEtag, type S3State, type S3Upload } from './s3-state.ts'

/** The life of a multipart upload. @param leastPart bytes that every part but the last must have. */
export function answerUpload(request: S3Request, state: S3State, quirks: S3Quirks, leastPart: number): S3Answer {
  const { method, query, key } = request
  if (method === 'POST' && query.has('uploads'))
    return xmlAnswer(200, 'InitiateMultipartUploadResult', { Key: key, UploadId: state.begin(key).id })
  const upload = state.uploads.get(query.get('uploadId') ?? '')
  if (upload === undefined || upload.key !== key) throw new S3Refusal(404, 'NoSuchUpload')
  switch (method) {
    case 'PUT':
      return putPart(request, upload, state, quirks)
    case 'POST':
      return complete(request, upload, state, quirks, leastPart)
    case 'GET':
      return listParts(request, upload)
    case 'DELETE':
      state.uploads.delete(upload.id)
      return answer(204)
    default:
      throw new S3Refusal(405, 'MethodNotAllowed')
  }
}

function putPart(request: S3Request, upload: S3Upload, state: S3State, quirks: S3Quirks): S3Answer {
  const number = Number(request.query.get('partNumber'))
  if (!(number >= 1 && number <= 10_000)) throw new S3Refusal(400, 'InvalidArgument')
  const copies = request.headers['x-amz-copy-source'] !== undefined
  if (!copies) checkChecksums(request, quirks)
  const bytes = copies ? Buffer.from(copySource(request, state, quirks)) : request.body
  const part = { bytes, etag: newEtag(), at: new Date() }
  upload.parts.set(number, part)
  return copies
    ? xmlAnswer(200, 'CopyPartResult', { ETag: part.etag, LastModified: part.at.toISOString() })
    : answer(200, { etag: part.etag })
}

function complete(request: S3Request, upload: S3Upload, state: S3State, quirks: S3Quirks, leastPart: number): S3Answer {
  checkCondition(request, state, quirks)
  const named = [...request.body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, text = '']) => ({
    number: Number(/<PartNumber>(\d+)</.exec(text)?.[1]),
    etag: (/<ETag>(.*?)</.exec(text)?.[1] ?? '').replaceAll('&quot;', '"'),
  }))
  const parts = named.map(({ number, etag }, i) => {
    const part = upload.parts.get(number)
    if (part === undefined || part.etag !== etag) throw new S3Refusal(400, 'InvalidPart')
    if (i > 0 && number <= (named[i - 1]?.number ?? 0)) throw new S3Refusal(400, 'InvalidPartOrder')
    if (i < named.length - 1 && part.bytes.length < leastPart) throw new S3Refusal(400, 'EntityTooSmall')
    return part
  })
  if (parts.length === 0) throw new S3Refusal(400, 'MalformedXML')
  state.uploads.delete(upload.id)
  const { etag } = state.put(upload.key, Buffer.concat(parts.map(({ bytes }) => bytes)))
  return xmlAnswer(200, 'CompleteMultipartUploadResult', { Key: upload.key, ETag: etag })
}

const partsOnAPage = 1000

function listParts({ query }: S3Request, { key, id, parts }: S3Upload): S3Answer {
  const after = Number(query.get('part-number-marker') ?? 0)
  const rest = [...parts].filter(([number]) => number > after).sort(([a], [b]) => a - b)
  const page = rest.slice(0, partsOnAPage)
  return xmlAnswer(200, 'ListPartsResult', {
    Key: key,
    UploadId: id,
    IsTruncated: String(rest.length > page.length),
    NextPartNumberMarker: String(page.at(-1)?.[0] ?? after),
    Part: page.map(([number, { bytes, etag, at }]) => ({
      PartNumber: String(number),
      ETag: etag,
      Size: String(bytes.length),
      LastModified: at.toISOString(),
    })),
  })
}

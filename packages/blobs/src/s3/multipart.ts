import { ArtifactError } from '@artifact-store/core'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { Abortable } from '../blob-store.ts'
import type { S3Calls } from './calls.ts'
import { headObject } from './objects.ts'

/** A multipart upload under way. It is plain data: whoever has it may go on with it, in this process or another. */
export interface MultipartUpload {
  readonly key: string
  readonly uploadId: string
}

/** A part that the server has, as the completion must name it. */
export interface UploadedPart {
  readonly number: number
  readonly etag: string
  readonly size: number
}

/** Begins an upload. `stray` says that the server may have begun others at the same key, whose answers were lost. */
export async function beginMultipart(
  calls: S3Calls,
  key: string,
  { signal }: Abortable = {},
): Promise<{ readonly upload: MultipartUpload; readonly stray: boolean }> {
  let stray = false
  const { UploadId } = await calls.call(
    'begin a multipart upload',
    (client, Bucket, options) => client.send(new CreateMultipartUploadCommand({ Bucket, Key: key }), options),
    {
      signal,
      onRetry: () => {
        stray = true
      },
    },
  )
  return { upload: { key, uploadId: answered('UploadId', UploadId) }, stray }
}

/** Sends a part; the same number again replaces it. All but the last must have the server's least size, 5 MiB. */
export async function uploadPart(
  calls: S3Calls,
  { key, uploadId }: MultipartUpload,
  number: number,
  bytes: Uint8Array,
  { signal }: Abortable = {},
): Promise<UploadedPart> {
  const { ETag } = await calls.call(
    `send part ${number} of an upload`,
    (client, Bucket, options) =>
      client.send(new UploadPartCommand({ Bucket, Key: key, UploadId: uploadId, PartNumber: number, Body: bytes }), options),
    { signal },
  )
  return { number, etag: answered('ETag', ETag), size: bytes.length }
}

/** The parts that the server has, in the order of their numbers: what an upload is resumed from. */
export async function* uploadedParts(
  calls: S3Calls,
  { key, uploadId }: MultipartUpload,
  { signal }: Abortable = {},
): AsyncGenerator<UploadedPart & { readonly at: Date | undefined }, void, void> {
  for (let marker: string | undefined; ; ) {
    const page = await calls.find(
      'list the parts of an upload',
      (client, Bucket, options) =>
        client.send(new ListPartsCommand({ Bucket, Key: key, UploadId: uploadId, PartNumberMarker: marker }), options),
      { signal },
    )
    for (const { PartNumber = 0, ETag = '', Size = 0, LastModified } of page?.Parts ?? [])
      yield { number: PartNumber, etag: ETag, size: Size, at: LastModified }
    if (page?.IsTruncated !== true) return
    marker = page.NextPartNumberMarker
  }
}

/** Makes an object of the parts, and sees that it is there with their size. */
export async function completeMultipart(
  calls: S3Calls,
  { key, uploadId }: MultipartUpload,
  parts: readonly UploadedPart[],
  { signal }: Abortable = {},
): Promise<void> {
  await calls.find(
    'complete an upload',
    (client, Bucket, options) =>
      client.send(
        new CompleteMultipartUploadCommand({
          Bucket,
          Key: key,
          UploadId: uploadId,
          MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })) },
        }),
        options,
      ),
    { signal },
  )
  // Also where the upload was not found: it was completed by an attempt whose answer was lost, or the object is not there.
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  const found = await headObject(calls, key, { signal })
  if (found?.size !== size)
    throw new ArtifactError(
      'backend-unavailable',
      `the S3 store made an object of ${found?.size ?? 'no'} bytes out of an upload of ${size}; nothing was kept, try again`,
      { details: { expectedBytes: size, storedBytes: found?.size ?? null } },
    )
}

/** Gives an upload up, with all its parts; one that is over already is left alone. */
export async function abortMultipart(calls: S3Calls, { key, uploadId }: MultipartUpload, options: Abortable = {}): Promise<void> {
  await calls.find(
    'give up an upload',
    (client, Bucket, sendOptions) =>
      client.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId }), sendOptions),
    options,
  )
}

/** Every upload under way whose key begins like that. */
export async function* multipartUploads(
  calls: S3Calls,
  prefix: string,
  { signal }: Abortable = {},
): AsyncGenerator<MultipartUpload & { readonly begunAt: Date | undefined }, void, void> {
  for (let after: { KeyMarker?: string; UploadIdMarker?: string } = {}; ; ) {
    const page = await calls.call(
      'list the uploads under way',
      (client, Bucket, options) => client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix, ...after }), options),
      { signal },
    )
    for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? [])
      if (Key.startsWith(prefix)) yield { key: Key, uploadId: UploadId, begunAt: Initiated }
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return
    after = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }),
    }
  }
}

export function answered<T>(name: string, value: T | undefined): T {
  if (value !== undefined) return value
  throw new ArtifactError('backend-unavailable', `the S3 store answered without ${name}; check that it speaks S3`, {
    details: { name },
  })
}

import { DeleteObjectCommand, HeadBucketCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import type { Abortable, BlobStat } from '../blob-store.ts'
import type { S3Calls } from './calls.ts'

/** Stores the bytes under the key, in one piece and atomically. */
export async function putObject(calls: S3Calls, key: string, bytes: Uint8Array, { signal }: Abortable = {}): Promise<void> {
  await calls.call(
    'store an object',
    (client, Bucket, options) => client.send(new PutObjectCommand({ Bucket, Key: key, Body: bytes }), options),
    { signal },
  )
}

export interface ObjectHead extends BlobStat {
  /** When it was put. */
  readonly at: Date | undefined
}

/** What the server says of an object, or undefined when there is none. */
export async function headObject(calls: S3Calls, key: string, { signal }: Abortable = {}): Promise<ObjectHead | undefined> {
  const found = await calls.find(
    'look at an object',
    (client, Bucket, options) => client.send(new HeadObjectCommand({ Bucket, Key: key }), options),
    { signal },
  )
  if (found !== undefined) return { size: found.ContentLength ?? 0, at: found.LastModified }
  // A bucket that is not there has no objects either; that must not read as "the blob is gone".
  await assertBucket(calls, { signal })
  return undefined
}

/** Removes the object; one that is not there is no failure. */
export async function deleteObject(calls: S3Calls, key: string, { signal }: Abortable = {}): Promise<void> {
  await calls.find(
    'remove an object',
    (client, Bucket, options) => client.send(new DeleteObjectCommand({ Bucket, Key: key }), options),
    { signal },
  )
}

/** @throws ArtifactError `backend-unavailable` when the bucket is not there or may not be used. */
export async function assertBucket(calls: S3Calls, { signal }: Abortable = {}): Promise<void> {
  await calls.call(
    'find the objects',
    async (client, Bucket, options) => {
      try {
        await client.send(new HeadBucketCommand({ Bucket }), options)
      } catch (error) {
        // An answer to HEAD has no body that could say which of the two is not there.
        if (error instanceof Error && error.name === 'NotFound') error.name = 'NoSuchBucket'
        throw error
      }
    },
    { signal },
  )
}

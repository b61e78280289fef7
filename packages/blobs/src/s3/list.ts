import { ArtifactError } from '@artifact-store/core'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { Abortable } from '../blob-store.ts'
import type { S3Calls } from './calls.ts'
import { headObject } from './objects.ts'
import type { RecentWrites } from './recent-writes.ts'

export interface ListedObject {
  readonly key: string
  readonly size: number
  readonly at: Date | undefined
}

/** Every object whose key begins like that, in the order of the keys, a page of 1,000 in memory. */
export async function* listObjects(
  calls: S3Calls,
  prefix: string,
  { after, signal }: Abortable & { readonly after?: string | undefined } = {},
): AsyncGenerator<ListedObject, void, void> {
  let last = after ?? ''
  for (let token: string | undefined; ; ) {
    const page = await calls.call(
      'list the objects',
      (client, Bucket, options) =>
        client.send(
          new ListObjectsV2Command({
            Bucket,
            Prefix: prefix,
            ...(token === undefined ? { ...(after === undefined ? {} : { StartAfter: after }) } : { ContinuationToken: token }),
          }),
          options,
        ),
      { signal },
    )
    for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
      if (!Key.startsWith(prefix) || (after !== undefined && Key <= after)) continue
      if (Key <= last) throw outOfOrder(last, Key)
      last = Key
      yield { key: Key, size: Size, at: LastModified }
    }
    if (page.IsTruncated !== true || page.NextContinuationToken === undefined) return
    token = page.NextContinuationToken
  }
}

/** The same, put right by what this process wrote lately: what the list does not show is asked for. For servers that list late. */
export async function* listObjectsLate(
  calls: S3Calls,
  recent: RecentWrites,
  prefix: string,
  options: Abortable & { readonly after?: string | undefined } = {},
): AsyncGenerator<ListedObject, void, void> {
  const written = recent.keys(prefix, options.after)
  let next = 0
  const writtenBefore = async function* (listed: string | undefined): AsyncGenerator<ListedObject> {
    for (let key = written[next]; key !== undefined && (listed === undefined || key < listed); key = written[next]) {
      next += 1
      const found = await headObject(calls, key, options)
      if (found !== undefined) yield { key, ...found }
    }
  }
  for await (const object of listObjects(calls, prefix, options)) {
    yield* writtenBefore(object.key)
    // Listed and put lately: there is nothing to ask. Listed and removed lately: it is asked for with those before the next one.
    if (recent.last(object.key) === 'removed') continue
    if (written[next] === object.key) next += 1
    yield object
  }
  yield* writtenBefore(undefined)
}

function outOfOrder(last: string, next: string): ArtifactError {
  return new ArtifactError(
    'backend-unavailable',
    'the S3 store lists objects out of order, so that a list cannot be gone on with; use a store that sorts them by key',
    { details: { last, next } },
  )
}

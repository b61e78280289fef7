import type { Abortable } from '../blob-store.ts'
import { abandonedAfter, isOrphan, isStagingName } from '../staging-name.ts'
import type { S3Calls } from './calls.ts'
import type { S3Keys } from './keys.ts'
import { listObjects } from './list.ts'
import { abortMultipart, type MultipartUpload, multipartUploads, uploadedParts } from './multipart.ts'
import { deleteObject } from './objects.ts'
import type { StagedKeys } from './staged-keys.ts'

export interface Collection extends Abortable {
  /** The names of the store that collects. */
  readonly staged: Pick<StagedKeys, 'owner' | 'isGivenUp'>
  /** Milliseconds since 1970. */
  readonly now?: number | undefined
}

/**
 * Removes what is left in staging and in trials: uploads and objects of this owner whose process is gone, what this process has
 * given up, and that to which nothing came for `abandonedAfter`. Never what may be in use. @returns how many were removed.
 */
export async function collectStaged(calls: S3Calls, keys: S3Keys, collection: Collection): Promise<number> {
  const { staged, now = Date.now(), signal } = collection
  const isLong = (at: Date | undefined) => at !== undefined && now - at.getTime() > abandonedAfter
  const isGone = (name: string) => isOrphan(name, staged.owner) || staged.isGivenUp(name)
  let removed = 0
  for (const place of [keys.staging, keys.trials]) {
    for await (const upload of multipartUploads(calls, place, { signal })) {
      const name = upload.key.slice(place.length)
      if (!isStagingName(name)) continue
      if (!isGone(name) && !(isLong(upload.begunAt) && isLong(await lastPartAt(calls, upload, signal)))) continue
      await abortMultipart(calls, upload, { signal })
      removed += 1
    }
    for await (const { key, at } of listObjects(calls, place, { signal })) {
      const name = key.slice(place.length)
      if (!isStagingName(name) || !(isGone(name) || isLong(at))) continue
      await deleteObject(calls, key, { signal })
      removed += 1
    }
  }
  return removed
}

/** When something came to an upload last. It may take days, so when it began says little. */
async function lastPartAt(
  calls: S3Calls,
  upload: MultipartUpload & { readonly begunAt: Date | undefined },
  signal: AbortSignal | undefined,
): Promise<Date | undefined> {
  let last = upload.begunAt
  for await (const { at } of uploadedParts(calls, upload, { signal }))
    if (at !== undefined && (last === undefined || at > last)) last = at
  return last
}

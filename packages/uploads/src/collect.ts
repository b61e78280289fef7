import type { CheckedUploads } from '@artifact-store/blobs'
import { type ErrorKind, isArtifactError } from '@artifact-store/core'
import type { Queryable } from '@artifact-store/log'
import { takeLease } from './lease.ts'
import { listExpired, unknownAmong } from './sessions.ts'

const pageSize = 100

/**
 * Removes uploads whose time is over, with their bytes, and bytes that belong to no upload. Several may do it at once.
 * @param orphanAgeMs bytes of no upload that are younger than this stay.
 * @returns how many of each.
 */
export async function collect(
  { uploads, database }: { uploads: CheckedUploads; database: Queryable },
  { orphanAgeMs, signal }: { readonly orphanAgeMs: number; readonly signal: AbortSignal },
): Promise<{ readonly expired: number; readonly orphans: number }> {
  let expired = 0
  for (;;) {
    const ids = await listExpired(database, pageSize)
    let removed = 0
    for (const id of ids) {
      signal.throwIfAborted()
      try {
        const lease = await takeLease(database, id, { expiryMs: undefined })
        await uploads.discard(id, { signal })
        await lease.remove()
        removed += 1
      } catch (error) {
        if (!isArtifactError(error, ...inUse)) throw error
      }
    }
    expired += removed
    if (removed < pageSize) break
  }
  return { expired, orphans: await collectOrphans({ uploads, database }, { orphanAgeMs, signal }) }
}

/** Somebody goes on with it, or has removed it. */
const inUse: readonly ErrorKind[] = ['upload-locked', 'upload-not-found']

async function collectOrphans(
  { uploads, database }: { uploads: CheckedUploads; database: Queryable },
  { orphanAgeMs, signal }: { readonly orphanAgeMs: number; readonly signal: AbortSignal },
): Promise<number> {
  let orphans = 0
  let page: string[] = []
  const look = async () => {
    for (const id of await unknownAmong(database, page)) {
      await uploads.discard(id, { signal })
      orphans += 1
    }
    page = []
  }
  for await (const { id, since } of uploads.list({ signal })) {
    if (Date.now() - since.getTime() < orphanAgeMs) continue
    page.push(id)
    if (page.length === pageSize) await look()
  }
  await look()
  return orphans
}

import type { ByteStream } from '@artifact-store/blobs'
import { type AnyDigest, type ContentDigests, type Digest, makeEvent, type NewEvent } from '@artifact-store/core'
import type { Condition } from '@artifact-store/log'
import { type BlobRow, findBlobs } from '@artifact-store/views'
import type { GatewayContext } from '../context.ts'
import { type Decided, decideAndAppend } from './decide-and-append.ts'

/** What a decision must know of a blob. */
export type KnownBlob = Pick<BlobRow, 'digest' | 'state' | 'fixity' | 'revision'>

/** Bytes to keep, and what they must turn out to be. */
export interface Upload {
  /** A stream, or all of a small body as soon as it is here. */
  readonly bytes: ByteStream | Promise<Uint8Array>
  readonly size: number | undefined
  readonly expect: readonly AnyDigest[]
  readonly signal: AbortSignal
}

/** Puts the bytes under their digest: durable when this returns, and told to nobody yet. Bytes that were there are healed. */
export async function storeBytes(gateway: Pick<GatewayContext, 'blobs'>, upload: Upload): Promise<ContentDigests> {
  const { bytes, size, expect, signal } = upload
  if (bytes instanceof Promise) return gateway.blobs.putBytes(await bytes, { expect, size, signal })
  return gateway.blobs.put(bytes, { expect, size, signal })
}

/** Puts the bytes and writes into the log that they are there. The answer tells whether they are new. */
export async function storeBlob(
  gateway: GatewayContext,
  actor: string,
  upload: Upload,
): Promise<Decided<{ readonly content: ContentDigests; readonly isNew: boolean }>> {
  return registerBlob(gateway, actor, await storeBytes(gateway, upload))
}

/** Writes into the log that bytes are there, which they are. */
export function registerBlob(
  gateway: Pick<GatewayContext, 'log' | 'follower' | 'views' | 'backend'>,
  actor: string,
  content: ContentDigests,
): Promise<Decided<{ readonly content: ContentDigests; readonly isNew: boolean }>> {
  return decideAndAppend(gateway, async () => {
    const known = await findBlobs(gateway.views, [content.digest])
    const stored = blobsStored([content], known, actor)
    const repaired = blobsRepaired([content], known, { actor, backend: gateway.backend })
    const answer = { content, isNew: stored.events.length > 0 }
    const [event] = [...stored.events, ...repaired.events]
    return event
      ? { answer, append: { events: [event], conditions: [...stored.conditions, ...repaired.conditions] } }
      : { answer }
  })
}

/**
 * The events that say bytes are stored, one for each content, and the conditions under which that is news; none for what the log
 * says already.
 * @param known what the views show of them.
 */
export function blobsStored(
  contents: readonly ContentDigests[],
  known: readonly KnownBlob[],
  actor: string,
): { readonly events: readonly NewEvent[]; readonly conditions: readonly Condition[] } {
  const rows = new Map(known.map(row => [row.digest, row]))
  const distinct = new Map(contents.map(content => [content.digest, content]))
  const news = [...distinct.values()].filter(({ digest }) => rows.get(digest)?.state !== 'stored')
  return {
    events: news.map(({ digest, sha256, size }) =>
      makeEvent({ type: 'v1.blob.stored', subjectId: digest, actor, payload: { digest, sha256, size } }),
    ),
    conditions: news.map(({ digest }) => ({ subject: blobSubject(digest), revision: rows.get(digest)?.revision ?? 0 })),
  }
}

/**
 * The events that say damaged bytes were replaced, for contents that have just been put, and the conditions under which that is news; none for those
 * that the log calls sound.
 * @param known what the views show of them.
 */
export function blobsRepaired(
  contents: readonly { readonly digest: Digest }[],
  known: readonly KnownBlob[],
  { actor, backend }: { readonly actor: string; readonly backend: string },
): { readonly events: readonly NewEvent[]; readonly conditions: readonly Condition[] } {
  const put = new Set(contents.map(content => content.digest))
  const repaired = known.filter(row => row.state === 'stored' && row.fixity === 'failed' && put.has(row.digest))
  return {
    events: repaired.map(({ digest }) =>
      makeEvent({ type: 'v1.fixity.repaired', subjectId: digest, actor, payload: { backend, source: 'upload' } }),
    ),
    conditions: repaired.map(({ digest, revision }) => ({ subject: blobSubject(digest), revision })),
  }
}

/** What is known of blobs once such events are in the log, of those that the events are about. */
export function blobsAfter(events: readonly NewEvent[], known: readonly KnownBlob[]): KnownBlob[] {
  const revisions = new Map(known.map(({ digest, revision }) => [digest, revision]))
  return events.map(({ subjectId }) => {
    const digest = subjectId as Digest
    return { digest, state: 'stored', fixity: 'intact', revision: (revisions.get(digest) ?? 0) + 1 }
  })
}

function blobSubject(digest: Digest) {
  return { kind: 'blob', id: digest }
}

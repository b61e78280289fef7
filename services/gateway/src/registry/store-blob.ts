import type { ByteStream } from '@artifact-store/blobs'
import { type AnyDigest, type ContentDigests, type Digest, makeEvent, type NewEvent } from '@artifact-store/core'
import type { Condition } from '@artifact-store/log'
import { type BlobRow, findBlob } from '@artifact-store/views'
import type { GatewayContext } from '../context.ts'
import { type Decided, decideAndAppend } from './decide-and-append.ts'

/** Bytes to keep, and what they must turn out to be. */
export interface Upload {
  readonly bytes: ByteStream
  readonly size: number | undefined
  readonly expect: readonly AnyDigest[]
  readonly signal: AbortSignal
}

/** Puts the bytes under their digest: durable when this returns, and told to nobody yet. Bytes that were there are healed. */
export function storeBytes(gateway: Pick<GatewayContext, 'blobs'>, upload: Upload): Promise<ContentDigests> {
  const { bytes, size, expect, signal } = upload
  return gateway.blobs.put(bytes, { expect, size, signal })
}

/** Puts the bytes and writes into the log that they are there. The answer tells whether they are new. */
export async function storeBlob(
  gateway: GatewayContext,
  actor: string,
  upload: Upload,
): Promise<Decided<{ readonly content: ContentDigests; readonly isNew: boolean }>> {
  const content = await storeBytes(gateway, upload)
  return decideAndAppend(gateway, async () => {
    const known = await findBlob(gateway.views, content.digest)
    const stored = blobStored(content, known, actor)
    const answer = { content, isNew: stored !== undefined }
    return stored ? { answer, append: { events: [stored.event], conditions: [stored.condition] } } : { answer }
  })
}

/** The event that says bytes are stored, and its condition; nothing where the log says so already. */
export function blobStored(
  content: ContentDigests,
  known: BlobRow | undefined,
  actor: string,
): { event: NewEvent; condition: Condition } | undefined {
  if (known?.state === 'stored') return undefined
  const { digest, sha256, size } = content
  return {
    event: makeEvent({ type: 'v1.blob.stored', subjectId: digest, actor, payload: { digest, sha256, size } }),
    condition: { subject: blobSubject(digest), revision: known?.revision ?? 0 },
  }
}

function blobSubject(digest: Digest) {
  return { kind: 'blob', id: digest }
}

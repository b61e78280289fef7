import type { BlobFinding, CheckedBlobStore } from '@artifact-store/blobs'
import { type ArtifactError, type Digest, makeEvent, type NewEvent } from '@artifact-store/core'
import { type BlobRow, findBlob } from '@artifact-store/views'
import type { GatewayContext } from '../context.ts'
import { decideAndAppend } from './decide-and-append.ts'
import type { OnDamage } from './watched-blobs.ts'

/** Who says so in the log. */
const actor = 'system:gateway'
/** As many blobs are looked at or wait for it; of more, the next read tells again. */
const mostWaiting = 1000
/** How long it is not said again of a blob that it read well the second time, in milliseconds: a backend that errs now and then would fill the log. */
const quietMs = 60 * 60 * 1000

/**
 * Writes into the log what reads found damaged. Whatever made a read fail, the blob is read once more, whole, so that the log says what is stored and not what
 * one read saw; one after another, so that damage to many costs no more than one stream. A blob that the log calls damaged already is not
 * looked at again until it is repaired.
 * @returns to be told of damage. It never throws, and returns at once.
 */
export function reportDamage(
  gateway: Pick<GatewayContext, 'log' | 'follower' | 'views' | 'backend' | 'logger'> & {
    readonly blobs: Pick<CheckedBlobStore, 'check'>
    /** Told when the log was. */
    readonly onRecorded: (finding: BlobFinding['kind']) => void
  },
  signal: AbortSignal,
): OnDamage {
  const waiting = new Set<Digest>()
  const quietUntil = new Map<Digest, number>()
  let last = Promise.resolve()

  async function look(digest: Digest, cause: ArtifactError): Promise<void> {
    if (signal.aborted || !isSound(await findBlob(gateway.views, digest))) return
    const finding = await gateway.blobs.check(digest, { signal })
    if (finding.kind === 'intact' && isQuiet(quietUntil, digest)) return
    const events = eventsOf(digest, finding, cause, gateway.backend)
    const { position } = await decideAndAppend(gateway, async () => {
      const row = await findBlob(gateway.views, digest)
      if (!isSound(row)) return { answer: undefined }
      return {
        answer: undefined,
        append: { events, conditions: [{ subject: { kind: 'blob', id: digest }, revision: row.revision }] },
      }
    })
    if (position === undefined) return
    gateway.onRecorded(finding.kind)
    if (finding.kind === 'intact') quietUntil.set(digest, Date.now() + quietMs)
    gateway.logger.error({ digest, finding, err: cause }, 'a blob is damaged; it heals when its bytes are uploaded again')
  }

  return (digest, cause) => {
    if (waiting.has(digest) || waiting.size >= mostWaiting) return
    waiting.add(digest)
    last = last
      .then(() => look(digest, cause))
      .catch((error: unknown) => {
        if (!signal.aborted)
          gateway.logger.warn({ err: error, digest }, 'damage to a blob could not be recorded; its next read tries again')
      })
      .finally(() => waiting.delete(digest))
  }
}

/** Whether the log believes that the bytes are there and right. */
function isSound(row: BlobRow | undefined): row is BlobRow {
  return row?.state === 'stored' && row.fixity !== 'failed'
}

function eventsOf(
  digest: Digest,
  finding: BlobFinding,
  cause: ArtifactError,
  backend: string,
): readonly [NewEvent, ...NewEvent[]] {
  const about = { subjectId: digest, actor } as const
  if (finding.kind !== 'intact') {
    return [makeEvent({ type: 'v1.fixity.failed', ...about, payload: { backend, finding } })]
  }
  const error = oneLine(`a read failed, and the next one was right: ${cause.message}`)
  return [
    makeEvent({ type: 'v1.fixity.failed', ...about, payload: { backend, finding: { kind: 'unreadable', error } } }),
    makeEvent({ type: 'v1.fixity.checked', ...about, payload: { backend, size: finding.size } }),
  ]
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}]/gu, ' ').slice(0, 500)
}

function isQuiet(quietUntil: Map<Digest, number>, digest: Digest): boolean {
  for (const [old, until] of quietUntil) {
    if (until > Date.now()) break
    quietUntil.delete(old)
  }
  return quietUntil.has(digest)
}

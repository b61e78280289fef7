import { type BlobFinding, type CheckedBlobStore, copyBlob } from '@artifact-store/blobs'
import { type ArtifactError, type Digest, makeEvent, type NewEvent } from '@artifact-store/core'
import { type BlobRow, findBlob } from '@artifact-store/views'
import type { GatewayContext } from '../context.ts'
import type { NamedStore } from '../stores/named-store.ts'
import { decideAndAppend } from './decide-and-append.ts'
import { type Damaged, judgeCopies, type Verdict } from './judge-copies.ts'
import type { OnDamage } from './watched-blobs.ts'

/** Who says so in the log. */
const actor = 'system:gateway'
/** As many blobs are looked at or wait for it; of more, the next read tells again. */
const mostWaiting = 1000
/** How long it is not said again of a blob that it read well the second time, in milliseconds: a backend that errs now and then would fill the log. */
const quietMs = 60 * 60 * 1000

/**
 * Writes into the log what reads found damaged. Whatever made a read fail, the blob is read once more, whole, from every store, so that the log says what is
 * stored and not what one read saw; one after another, so that damage to many costs no more than one stream. A damaged copy is replaced at once where another store
 * has a good one. A blob that the log calls damaged already is not looked at again until it is repaired.
 * @returns to be told of damage. It never throws, and returns at once.
 */
export function reportDamage(
  gateway: Pick<GatewayContext, 'log' | 'follower' | 'views' | 'stores' | 'logger'> & {
    readonly blobs: Pick<CheckedBlobStore, 'checkCopies'>
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
    const verdict = judgeCopies(await gateway.blobs.checkCopies(digest, { signal }), gateway.stores)
    if (verdict.kind === 'sound' && isQuiet(quietUntil, digest)) return
    const healed = verdict.kind === 'partly' ? await heal(digest, verdict) : new Set<NamedStore>()
    const events = eventsOf(digest, { verdict, healed, cause })
    const { position } = await decideAndAppend(gateway, async () => {
      const row = await findBlob(gateway.views, digest)
      if (!isSound(row)) return { answer: undefined }
      return {
        answer: undefined,
        append: { events, conditions: [{ subject: { kind: 'blob', id: digest }, revision: row.revision }] },
      }
    })
    if (position === undefined) return
    if (verdict.kind === 'sound') quietUntil.set(digest, Date.now() + quietMs)
    for (const kind of verdict.kind === 'sound' ? (['intact'] as const) : verdict.damaged.map(({ finding }) => finding.kind))
      gateway.onRecorded(kind)
    gateway.logger.error({ digest, ...told(verdict), err: cause }, sentenceOf(verdict, healed))
  }

  /** Replaces damaged copies by the good one. @returns where that could be done. */
  async function heal(
    digest: Digest,
    { damaged, good, size }: Extract<Verdict, { kind: 'partly' }>,
  ): Promise<ReadonlySet<NamedStore>> {
    const healed = new Set<NamedStore>()
    for (const { at } of damaged) {
      try {
        await copyBlob(good.store, at.store, { digest, size }, { signal })
        healed.add(at)
      } catch (error) {
        if (signal.aborted) throw error
        gateway.logger.warn({ err: error, digest, backend: at.place }, 'a damaged copy of a blob could not be replaced')
      }
    }
    return healed
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

interface Looked {
  readonly verdict: Verdict
  /** Where damaged copies were replaced. */
  readonly healed: ReadonlySet<NamedStore>
  readonly cause: ArtifactError
}

function eventsOf(digest: Digest, { verdict, healed, cause }: Looked): readonly [NewEvent, ...NewEvent[]] {
  const about = { subjectId: digest, actor } as const
  if (verdict.kind === 'sound') {
    const backend = verdict.at.place
    const error = oneLine(`a read failed, and the next one was right: ${cause.message}`)
    return [
      makeEvent({ type: 'v1.fixity.failed', ...about, payload: { backend, finding: { kind: 'unreadable', error } } }),
      makeEvent({ type: 'v1.fixity.checked', ...about, payload: { backend, size: verdict.size } }),
    ]
  }
  const failed = ({ at, finding }: Damaged) =>
    makeEvent({ type: 'v1.fixity.failed', ...about, payload: { backend: at.place, finding } })
  const repaired = ({ at }: Damaged) =>
    verdict.kind === 'partly' && healed.has(at)
      ? [makeEvent({ type: 'v1.fixity.repaired', ...about, payload: { backend: at.place, source: verdict.good.place } })]
      : []
  // What stays damaged last: behind it, the blob counts as damaged.
  const inOrder = verdict.damaged.toSorted((a, b) => Number(healed.has(b.at)) - Number(healed.has(a.at)))
  const [first = failed(verdict.damaged[0]), ...others] = inOrder.flatMap(each => [failed(each), ...repaired(each)])
  return [first, ...others]
}

/** For the log of this process. */
function told(verdict: Verdict): object {
  const { kind } = verdict
  return kind === 'sound'
    ? { kind }
    : { kind, damaged: verdict.damaged.map(({ at, finding }) => ({ backend: at.place, finding })) }
}

function sentenceOf(verdict: Verdict, healed: ReadonlySet<NamedStore>): string {
  if (verdict.kind === 'sound') return 'a blob could not be read, and was right when it was read again'
  if (verdict.damaged.length === healed.size) return 'a copy of a blob was damaged, and was replaced by that of another store'
  return 'a blob is damaged; it heals when its bytes are uploaded again'
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

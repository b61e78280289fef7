import { type CheckedOptions, type CopiedBlobs, copyBlobs } from '@artifact-store/blobs'
import { ArtifactError, type Digest } from '@artifact-store/core'
import { type Logger, leadNow, type Secret } from '@artifact-store/service'
import type { OnDamage } from '../registry/watched-blobs.ts'
import type { NamedStore } from './named-store.ts'

/** The advisory lock of the one gateway that moves blobs: two that move them in opposite directions could each remove what the other one relies on. */
const lock = 7021810154

export interface Migration {
  readonly from: NamedStore
  readonly to: NamedStore
  /** Whether each blob is removed from the source when it was read again, whole, from the target. */
  readonly remove: boolean
  readonly signal: AbortSignal
  /** Told of a blob that is damaged, and in which store. It stays in the source. */
  readonly onDamaged: (digest: Digest, at: NamedStore) => void
  /** Told how far it is, after each blob; they come in the order of their digests. */
  readonly onProgress: (soFar: CopiedBlobs, at: Digest) => void
}

/**
 * Copies or moves the blobs of one store into another, while the gateway serves.
 * @throws ArtifactError `stores-busy` when this or another gateway does so already; `invalid-request` for what is no migration; what the stores throw. What was
 * copied before that stays, and the next one goes on behind it.
 */
export type MigrateBlobs = (migration: Migration) => Promise<CopiedBlobs>

export interface Migrating {
  readonly databaseUrl: Secret
  readonly proof: CheckedOptions
  readonly onDamage: OnDamage
  readonly logger: Logger
}

export function blobMigrations({ databaseUrl, proof, onDamage, logger }: Migrating): MigrateBlobs {
  return async ({ from, to, remove, signal, onDamaged, onProgress }) => {
    assertMakesSense(from, to, remove)
    let copied: CopiedBlobs | undefined
    const work = async (leading: AbortSignal) => {
      copied = await copyBlobs(from.store, to.store, {
        proof,
        remove,
        signal: leading,
        onProgress,
        onDamaged(digest, where) {
          const at = where === 'source' ? from : to
          // The log tells of it when it was looked at again, and it is healed from where it is right.
          onDamage(digest, new ArtifactError('blob-corrupt', `${digest} was found damaged in ${at.place} when it was copied`))
          onDamaged(digest, at)
        },
      })
      logger.info({ from: from.place, to: to.place, ...copied }, remove ? 'blobs were moved' : 'blobs were copied')
    }
    const outcome = await leadNow({ databaseUrl, lock, name: 'blob-migration', logger, signal, work })
    signal.throwIfAborted()
    if (outcome === 'busy')
      throw new ArtifactError('stores-busy', 'blobs are being copied or moved between stores already: wait until that has ended')
    if (copied === undefined)
      throw new ArtifactError(
        'backend-unavailable',
        'the connection to the database was lost by which the gateways agree on who moves blobs: ask again, what was copied stays',
      )
    return copied
  }
}

function assertMakesSense(from: NamedStore, to: NamedStore, remove: boolean): void {
  if (from === to) throw new ArtifactError('invalid-request', `${from.name} is the source and the target: give two stores`)
  if (remove && from.role !== 'older')
    throw new ArtifactError(
      'invalid-request',
      `nothing is removed from ${from.name}, as what is put goes there: make it an older store first, or copy without removing`,
    )
}

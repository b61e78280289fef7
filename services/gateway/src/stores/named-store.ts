import type { BlobStore } from '@artifact-store/blobs'
import { ArtifactError } from '@artifact-store/core'

/** Takes what is written and is read first; takes it too and is read next; takes nothing and is read last. */
export const roles = ['primary', 'replica', 'older'] as const
export type Role = (typeof roles)[number]

/** One of the stores where the blobs are. */
export interface NamedStore {
  readonly role: Role
  /** By which people call it: `primary`, `replica-1`, `older-1`. */
  readonly name: string
  /** Where it is, as the log says it: the address without secrets and settings. */
  readonly place: string
  readonly store: BlobStore
}

/**
 * The store of that name or address; an address with settings, as `GET /v1/backends` shows it, or without.
 * @throws ArtifactError `invalid-request` (details known) when none of them is it, or more than one.
 */
export function findStore(stores: readonly NamedStore[], called: string): NamedStore {
  const found = stores.filter(
    ({ name, place, store }) => called === name || called === store.report().address || called === place,
  )
  const [only, ...others] = found
  if (only && others.length === 0) return only
  const known = stores.map(({ name, store }) => `${name} (${store.report().address})`)
  throw new ArtifactError(
    'invalid-request',
    `"${called.slice(0, 200)}" is ${only ? 'the address of more than one' : 'none'} of the stores that this gateway was started with: give one of ${known.join(', ')}`,
    { details: { known } },
  )
}

/** One of the stores by what it is. @throws ArtifactError `internal` for one that is not among them. */
export function nameOf(stores: readonly NamedStore[], store: BlobStore): NamedStore {
  const found = stores.find(each => each.store === store)
  if (!found) throw new ArtifactError('internal', 'a blob was read from a store that has no name')
  return found
}

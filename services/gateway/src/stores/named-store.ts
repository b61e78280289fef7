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

/** One of the stores by what it is. @throws ArtifactError `internal` for one that is not among them. */
export function nameOf(stores: readonly NamedStore[], store: BlobStore): NamedStore {
  const found = stores.find(each => each.store === store)
  if (!found) throw new ArtifactError('internal', 'a blob was read from a store that has no name')
  return found
}

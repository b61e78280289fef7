import type { z } from 'zod'
import type { JsonObject } from '../canonical-json.ts'
import type { StoredEvent } from '../event.ts'
import { aliasRemoved } from './alias-removed.ts'
import { aliasSet } from './alias-set.ts'
import { attestationAttached } from './attestation-attached.ts'
import { blobPurged } from './blob-purged.ts'
import { blobRestored } from './blob-restored.ts'
import { blobStored } from './blob-stored.ts'
import { blobTrashed } from './blob-trashed.ts'
import { blobUnreferenced } from './blob-unreferenced.ts'
import { createCatalogue, type NewestType, type PayloadIn, type ReadEvent } from './create-catalogue.ts'
import type { EventDefinition } from './define.ts'
import { fixityChecked } from './fixity-checked.ts'
import { fixityFailed } from './fixity-failed.ts'
import { fixityRepaired } from './fixity-repaired.ts'
import { holdPlaced } from './hold-placed.ts'
import { holdReleased } from './hold-released.ts'
import { packageCreated } from './package-created.ts'
import { packageDeleted } from './package-deleted.ts'
import { packageDiscarded } from './package-discarded.ts'
import { packageFileRemoved } from './package-file-removed.ts'
import { packageFilesAdded } from './package-files-added.ts'
import { packageFinalized } from './package-finalized.ts'
import { packageLabelled } from './package-labelled.ts'
import { packageLinked } from './package-linked.ts'
import { planApproved } from './plan-approved.ts'
import { planCreated } from './plan-created.ts'
import { planExecuted } from './plan-executed.ts'
import { policyPublished } from './policy-published.ts'
import { retentionAssigned } from './retention-assigned.ts'
import { retentionExtended } from './retention-extended.ts'
import { retentionShortened } from './retention-shortened.ts'
import { retrievalsRecorded } from './retrievals-recorded.ts'
import { tokenIssued } from './token-issued.ts'
import { tokenRevoked } from './token-revoked.ts'

const registry = createCatalogue([
  packageCreated,
  packageFilesAdded,
  packageFileRemoved,
  packageFinalized,
  packageDiscarded,
  packageLabelled,
  packageLinked,
  packageDeleted,
  aliasSet,
  aliasRemoved,
  attestationAttached,
  retentionAssigned,
  retentionExtended,
  retentionShortened,
  holdPlaced,
  holdReleased,
  policyPublished,
  planCreated,
  planApproved,
  planExecuted,
  retrievalsRecorded,
  blobStored,
  blobUnreferenced,
  blobTrashed,
  blobPurged,
  blobRestored,
  fixityChecked,
  fixityFailed,
  fixityRepaired,
  tokenIssued,
  tokenRevoked,
])

type Fact = NonNullable<ReturnType<typeof registry.definitionOf>>

/** The types of event that this code writes and handles, each in its newest version. A log may hold others, which every reader passes over. */
export type EventType = NewestType<Fact>
/** What an event of that type says. */
export type PayloadOf<T extends EventType> = PayloadIn<Fact, T>

/** Every type of event by its name. Its keys come from the definitions themselves, so that the two cannot differ. */
export const catalogue = registry.newest

export function eventDefinition<T extends EventType>(type: T): EventDefinition<T, z.ZodType<PayloadOf<T>>> {
  // TypeScript does not see that an indexed member of a mapped union belongs to its own key.
  return catalogue[type] as unknown as EventDefinition<T, z.ZodType<PayloadOf<T>>>
}

/** What an event of that very type was checked against, also of a version that is not written any more; undefined when it is not known here. */
export function releasedDefinition(type: string): EventDefinition | undefined {
  return registry.definitionOf(type)
}

/** A stored event as readers see it: in the newest version of its type, its payload typed by the catalogue. */
export type KnownEvent<T extends EventType = EventType> = ReadEvent<Fact, StoredEvent, T>

/**
 * The event as this code understands it, lifted to the newest version where it was stored in an older one; undefined when its type, or its
 * version, is not known here. What is stored stays as it is: its type, its bytes and their digest.
 */
export function asKnown(event: StoredEvent): KnownEvent | undefined {
  return registry.read(event)
}

/** The same for whoever holds an event in another shape, such as a CloudEvent. */
export function readPayload(eventType: string, payload: JsonObject): ReadPayload | undefined {
  return registry.read({ eventType, payload })
}

/** A type with the payload that belongs to it. */
export type ReadPayload = ReadEvent<Fact, { readonly eventType: string; readonly payload: JsonObject }>

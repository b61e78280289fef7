import type { z } from 'zod'
import type { KnownEvent, StoredEvent } from '../event.ts'
import { aliasRemoved } from './alias-removed.ts'
import { aliasSet } from './alias-set.ts'
import { attestationAttached } from './attestation-attached.ts'
import { blobPurged } from './blob-purged.ts'
import { blobRestored } from './blob-restored.ts'
import { blobStored } from './blob-stored.ts'
import { blobTrashed } from './blob-trashed.ts'
import { blobUnreferenced } from './blob-unreferenced.ts'
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

const facts = [
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
] as const satisfies readonly EventDefinition[]

type Fact = (typeof facts)[number]

/** The types of event that this code knows. A log may hold others, which every reader passes over. */
export type EventType = Fact['type']
/** What an event of that type says. */
export type PayloadOf<T extends EventType> = z.output<Extract<Fact, { type: T }>['payload']>

/** Every type of event by its name. Its keys come from the definitions themselves, so that the two cannot differ. */
export const catalogue = Object.fromEntries(facts.map(fact => [fact.type, fact])) as {
  readonly [T in EventType]: Extract<Fact, { type: T }>
}

export function eventDefinition<T extends EventType>(type: T): EventDefinition<T, z.ZodType<PayloadOf<T>>> {
  // TypeScript does not see that an indexed member of a mapped union belongs to its own key.
  return catalogue[type] as unknown as EventDefinition<T, z.ZodType<PayloadOf<T>>>
}

export function isKnownType(type: string): type is EventType {
  return Object.hasOwn(catalogue, type)
}

/**
 * The event with its payload typed, or undefined when this code does not know its type. The payload is not checked again: `makeEvent`
 * did that before the log took it.
 */
export function asKnown(event: StoredEvent): KnownEvent | undefined {
  return isKnownType(event.eventType) ? (event as KnownEvent) : undefined
}

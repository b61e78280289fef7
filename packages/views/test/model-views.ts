import { asKnown, type KnownEvent, type StoredEvent, type TokenId } from '@artifact-store/core'
import type { AccessTokenRow, BlobRow, PackageRow, packageFiles, RetentionRow } from '@artifact-store/views'

/** What the views must hold, by their keys. */
export interface ModelViews {
  readonly packages: Map<string, PackageRow>
  readonly files: Map<string, typeof packageFiles.$inferSelect>
  readonly retention: Map<string, RetentionRow>
  readonly blobs: Map<string, BlobRow>
  readonly tokens: Map<string, AccessTokenRow>
}

/** The views said once more, as plainly as can be: one event at a time, in memory, without batches. */
export function modelViews(events: readonly StoredEvent[]): ModelViews {
  const model: ModelViews = { packages: new Map(), files: new Map(), retention: new Map(), blobs: new Map(), tokens: new Map() }
  for (const stored of events) {
    const event = asKnown(stored)
    if (event) tell(model, event)
  }
  return model
}

function tell(model: ModelViews, event: KnownEvent): void {
  const { subjectId: id } = event
  if (event.eventType === 'v1.package.created') model.packages.set(id, newPackage(event))
  const found = model.packages.get(id)
  if (found && event.subjectKind === 'package')
    Object.assign(found, { revision: event.subjectRevision, updatedAt: event.createdAt })
  tellPackage(model, event, found)
  tellRetention(model, event)
  tellBlob(model, event)
  if (event.eventType === 'v1.token.issued') {
    const { secretDigest, actor, scopes, description = null, expiresAt } = event.payload
    model.tokens.set(id, {
      tokenId: id as TokenId,
      secretDigest,
      actor,
      scopes,
      description,
      revision: event.subjectRevision,
      issuedAt: event.createdAt,
      issuedBy: event.actor,
      expiresAt: date(expiresAt),
      revokedAt: null,
    })
  }
  if (event.eventType === 'v1.token.revoked')
    Object.assign(model.tokens.get(id) ?? {}, { revision: event.subjectRevision, revokedAt: event.createdAt })
}

function newPackage({
  subjectId,
  payload,
  sequence,
  createdAt,
  actor,
  subjectRevision,
}: KnownEvent<'v1.package.created'>): PackageRow {
  const { name, version = null, kind, producer = null, labels, inputs } = payload
  const manifest = { manifestDigest: null, manifestSha256: null, manifestSize: null }
  const config = { configDigest: null, configSha256: null, configSize: null }
  return {
    ...{
      packageId: subjectId,
      name,
      version,
      kind,
      producer,
      labels: { ...labels },
      inputs,
      state: 'open',
      revision: subjectRevision,
    },
    ...{ createdAt, createdBy: actor, createdSequence: sequence, updatedAt: createdAt, fileCount: 0, totalSize: 0 },
    ...{ finalizedAt: null, ...manifest, ...config, closingReason: null },
  }
}

function tellPackage(model: ModelViews, event: KnownEvent, found: PackageRow | undefined): void {
  const { subjectId: id } = event
  const drop = () => {
    for (const [key, file] of model.files) if (file.packageId === id) model.files.delete(key)
  }
  switch (event.eventType) {
    case 'v1.package.files-added':
      for (const file of event.payload.files)
        model.files.set(`${id} ${file.path}`, { packageId: id, ...file, addedSequence: event.sequence })
      break
    case 'v1.package.file-removed':
      model.files.delete(`${id} ${event.payload.path}`)
      break
    case 'v1.package.finalized': {
      const { fileCount, totalSize, ...seal } = event.payload
      // What the manifest counts is what was added up.
      Object.assign(found ?? {}, { ...seal, fileCount, totalSize, state: 'finalized', finalizedAt: event.createdAt })
      return
    }
    case 'v1.package.discarded':
      Object.assign(found ?? {}, { state: 'discarded', closingReason: event.payload.reason ?? null })
      drop()
      break
    case 'v1.package.deleted':
      Object.assign(found ?? {}, { state: 'deleted', closingReason: event.payload.reason })
      drop()
      // The tombstone tells how much there was.
      return
    case 'v1.package.labelled': {
      const labels: Record<string, string> = { ...found?.labels }
      for (const key of event.payload.remove) delete labels[key]
      Object.assign(found ?? {}, { labels: { ...labels, ...event.payload.set } })
      return
    }
    default:
      return
  }
  const files = [...model.files.values()].filter(file => file.packageId === id)
  Object.assign(found ?? {}, { fileCount: files.length, totalSize: files.reduce((sum, file) => sum + file.size, 0) })
}

function tellRetention({ retention }: ModelViews, event: KnownEvent): void {
  const row = retention.get(event.subjectId)
  switch (event.eventType) {
    case 'v1.package.created':
      retention.set(event.subjectId, {
        packageId: event.subjectId,
        retentionClass: event.payload.retentionClass,
        expiresAt: null,
        holds: {},
      })
      break
    case 'v1.retention.assigned':
      Object.assign(row ?? {}, { retentionClass: event.payload.retentionClass, expiresAt: date(event.payload.expiresAt) })
      break
    case 'v1.retention.extended':
    case 'v1.retention.shortened':
      Object.assign(row ?? {}, { expiresAt: date(event.payload.expiresAt) })
      break
    case 'v1.hold.placed': {
      const { packageId, reason, person } = event.payload
      const held = retention.get(packageId)
      const hold = [event.subjectId, { reason, person, since: event.createdAt.toISOString() }] as const
      if (held) retention.set(packageId, { ...held, holds: Object.fromEntries([...Object.entries(held.holds), hold]) })
      break
    }
    case 'v1.hold.released': {
      const held = retention.get(event.payload.packageId)
      const left = Object.entries(held?.holds ?? {}).filter(([id]) => id !== event.subjectId)
      if (held) retention.set(held.packageId, { ...held, holds: Object.fromEntries(left) })
      break
    }
    case 'v1.package.discarded':
    case 'v1.package.deleted':
      retention.delete(event.subjectId)
      break
    default:
  }
}

const blobChanges: { readonly [type: string]: Partial<BlobRow> } = {
  'v1.blob.unreferenced': {},
  'v1.blob.trashed': { state: 'trashed' },
  'v1.blob.restored': { state: 'stored' },
  'v1.blob.purged': { state: 'purged' },
  'v1.fixity.checked': { fixity: 'intact' },
  'v1.fixity.failed': { fixity: 'failed' },
  'v1.fixity.repaired': { fixity: 'intact' },
}

function tellBlob({ blobs }: ModelViews, event: KnownEvent): void {
  if (event.eventType === 'v1.blob.stored') {
    const { digest, sha256, size } = event.payload
    const state = { state: 'stored', revision: event.subjectRevision, storedAt: event.createdAt } as const
    blobs.set(digest, { digest, sha256, size, ...state, checkedAt: null, fixity: 'unchecked' })
  }
  const change = blobChanges[event.eventType]
  const row = blobs.get(event.subjectId)
  if (!change || !row) return
  Object.assign(row, change, { revision: event.subjectRevision }, change.fixity ? { checkedAt: event.createdAt } : {})
}

function date(text: string | undefined): Date | null {
  return text === undefined ? null : new Date(text)
}

import type { PackageId } from '@artifact-store/core'
import { findRetention, findRetentions, type PackageRow, type RetentionRow } from '@artifact-store/views'
import { z } from 'zod'
import type { GatewayContext } from '../context.ts'
import { requirePackage } from '../registry/package-head.ts'

const digest = z.string().regex(/^blake3:[0-9a-f]{64}$/)
const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/)

/** A package as the API shows it. */
export const packageDocument = z.object({
  id: z.string(),
  state: z.enum(['open', 'finalized', 'discarded', 'deleted']),
  name: z.string(),
  version: z.string().optional(),
  kind: z.string(),
  producer: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  inputs: z.array(z.object({ uri: z.string(), digest: z.string().optional() })),
  retentionClass: z.string().optional(),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  updatedAt: z.iso.datetime(),
  fileCount: z.int(),
  totalSize: z.int(),
  revision: z.int(),
  finalizedAt: z.iso.datetime().optional(),
  manifestDigest: digest.optional(),
  manifestSha256: sha256.optional(),
  closingReason: z.string().optional(),
})
export type PackageDocument = z.infer<typeof packageDocument>

export async function loadPackageDocument(gateway: GatewayContext, id: PackageId): Promise<PackageDocument> {
  const row = await requirePackage(gateway, id)
  return toDocument(row, await findRetention(gateway.views, id))
}

export async function toDocuments(gateway: GatewayContext, rows: readonly PackageRow[]): Promise<PackageDocument[]> {
  const retentions = await findRetentions(
    gateway.views,
    rows.map(row => row.packageId),
  )
  const byId = new Map(retentions.map(row => [row.packageId, row]))
  return rows.map(row => toDocument(row, byId.get(row.packageId)))
}

function toDocument(row: PackageRow, retention: RetentionRow | undefined): PackageDocument {
  return {
    id: row.packageId,
    state: row.state,
    name: row.name,
    ...(row.version === null ? {} : { version: row.version }),
    kind: row.kind,
    ...(row.producer === null ? {} : { producer: row.producer }),
    labels: row.labels,
    inputs: [...row.inputs],
    ...(retention ? { retentionClass: retention.retentionClass } : {}),
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    updatedAt: row.updatedAt.toISOString(),
    fileCount: row.fileCount,
    totalSize: row.totalSize,
    revision: row.revision,
    ...(row.finalizedAt === null ? {} : { finalizedAt: row.finalizedAt.toISOString() }),
    ...(row.manifestDigest === null ? {} : { manifestDigest: row.manifestDigest }),
    ...(row.manifestSha256 === null ? {} : { manifestSha256: row.manifestSha256 }),
    ...(row.closingReason === null ? {} : { closingReason: row.closingReason }),
  }
}

import {
  ArtifactError,
  type PackageHead,
  type PackageId,
  packageSealed,
  parseDigest,
  parsePackageId,
  parseSha256,
} from '@artifact-store/core'
import { findPackage, type PackageRow } from '@artifact-store/views'
import type { GatewayContext } from '../context.ts'

/** The row of a package.
 * @throws ArtifactError `package-not-found` */
export async function requirePackage(gateway: Pick<GatewayContext, 'views'>, id: PackageId): Promise<PackageRow> {
  const row = await findPackage(gateway.views, id)
  if (!row) throw noSuchPackage(id)
  return row
}

export function noSuchPackage(id: PackageId): ArtifactError {
  return new ArtifactError('package-not-found', `there is no package ${id}: GET /v1/packages lists those that there are`, {
    details: { id },
  })
}

/** The package as decisions take it.
 * @throws ArtifactError `package-not-found` */
export async function packageHead(gateway: Pick<GatewayContext, 'views'>, id: PackageId): Promise<PackageHead> {
  return toHead(await requirePackage(gateway, id))
}

/** @throws ArtifactError `package-not-found`; `package-sealed` when it takes no more changes. */
export async function requireOpen(gateway: Pick<GatewayContext, 'views'>, id: PackageId): Promise<PackageHead> {
  const head = await packageHead(gateway, id)
  if (head.state !== 'open') throw packageSealed(head)
  return head
}

function toHead(row: PackageRow): PackageHead {
  const { revision, name, kind, labels, inputs, createdAt, createdBy, fileCount, totalSize } = row
  const facts = {
    id: parsePackageId(row.packageId),
    ...{ revision, name, kind, labels, inputs, createdAt, createdBy, fileCount, totalSize },
    version: row.version ?? undefined,
    producer: row.producer ?? undefined,
  }
  if (row.state === 'open' || row.state === 'discarded') return { ...facts, state: row.state }
  return { ...facts, state: row.state, seal: sealOf(row) }
}

function sealOf(row: PackageRow) {
  const { manifestDigest, manifestSha256, manifestSize, configDigest, configSha256, configSize, fileCount, totalSize } = row
  if (
    manifestDigest === null ||
    manifestSha256 === null ||
    manifestSize === null ||
    configDigest === null ||
    configSha256 === null ||
    configSize === null
  ) {
    throw new ArtifactError('internal', `package ${row.packageId} is ${row.state} and has no manifest`)
  }
  return {
    manifestDigest: parseDigest(manifestDigest),
    manifestSha256: parseSha256(manifestSha256),
    manifestSize,
    configDigest: parseDigest(configDigest),
    configSha256: parseSha256(configSha256),
    configSize,
    fileCount,
    totalSize,
  }
}

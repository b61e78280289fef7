import type { ArtifactPath } from './artifact-path.ts'
import { type AnyDigest, type Digest, parseAnyDigest, type Sha256Digest } from './digest.ts'
import { ArtifactError } from './errors.ts'
import type { PayloadOf } from './events/catalogue.ts'
import type { PackageId } from './ids.ts'
import { type Labels, parseLabels } from './labels.ts'
import { parsePackageKind, parsePackageName, parsePackageVersion } from './package-name.ts'

/** One file of a package. */
export interface FileEntry {
  readonly path: ArtifactPath
  readonly digest: Digest
  readonly sha256: Sha256Digest
  readonly size: number
  /** `type/subtype` without parameters, as `parseMediaType` gives it. */
  readonly mediaType: string
}

/** Something that a package was made from. */
export interface PackageInput {
  readonly uri: string
  readonly digest?: AnyDigest | undefined
}

/** What is known of a package in every state. */
export interface PackageFacts {
  readonly id: PackageId
  /** Of the package as a subject: a decision made on this head is appended on the condition that it still holds. */
  readonly revision: number
  readonly name: string
  readonly version?: string | undefined
  readonly kind: string
  readonly producer?: string | undefined
  readonly labels: Labels
  readonly inputs: readonly PackageInput[]
  readonly createdAt: Date
  readonly createdBy: string
  readonly fileCount: number
  /** In bytes, over all files. */
  readonly totalSize: number
}

/** The digests of a finalized package's manifest and config, and what they cover. */
export type PackageSeal = PayloadOf<'v1.package.finalized'>

/** A package without its files, of which there may be more than memory holds. Only what was finalized has a seal. */
export type PackageHead = PackageFacts &
  (
    | { readonly state: 'open' }
    | { readonly state: 'discarded' }
    | { readonly state: 'finalized'; readonly seal: PackageSeal }
    | { readonly state: 'deleted'; readonly seal: PackageSeal }
  )
export type PackageState = PackageHead['state']

export const defaultRetentionClass = 'default'

/** What someone who opens a package says, unchecked. */
export interface CreatePackageRequest {
  readonly name: string
  readonly version?: string | undefined
  readonly kind: string
  readonly producer?: string | undefined
  readonly labels?: Labels | undefined
  readonly inputs?: readonly { readonly uri: string; readonly digest?: string | undefined }[] | undefined
  readonly retentionClass?: string | undefined
}

/** Opens a package, with what was left out filled in. Lengths of free text are judged by `makeEvent`.
 * @throws ArtifactError `invalid-request` naming what is wrong. */
export function decideCreate(request: CreatePackageRequest): PayloadOf<'v1.package.created'> {
  return {
    name: parsePackageName(request.name),
    version: request.version === undefined ? undefined : parsePackageVersion(request.version),
    kind: parsePackageKind(request.kind),
    producer: request.producer,
    labels: parseLabels(request.labels ?? {}),
    inputs: (request.inputs ?? []).map(({ uri, digest }) => ({
      uri,
      digest: digest === undefined ? undefined : parseAnyDigest(digest),
    })),
    retentionClass: request.retentionClass ?? defaultRetentionClass,
  }
}

/** @param entry the file at that path, undefined when there is none.
 * @throws ArtifactError `package-sealed`, `file-not-found`. */
export function decideRemoveFile(
  head: PackageHead,
  path: ArtifactPath,
  entry: FileEntry | undefined,
): PayloadOf<'v1.package.file-removed'> {
  if (head.state !== 'open') throw packageSealed(head)
  if (!entry)
    throw new ArtifactError('file-not-found', `package ${head.id} has no file at ${JSON.stringify(path)}`, {
      details: { packageId: head.id, path },
    })
  return { path, digest: entry.digest, size: entry.size }
}

/** Why a package that is not open takes no change. */
export function packageSealed(head: PackageHead): ArtifactError {
  return new ArtifactError(
    'package-sealed',
    `package ${head.id} is ${head.state} and cannot change any more; create a new package`,
    {
      details: { packageId: head.id, state: head.state },
    },
  )
}

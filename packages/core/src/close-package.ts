import { type AnyDigest, isBlake3 } from './digest.ts'
import { ArtifactError } from './errors.ts'
import type { PayloadOf } from './events/catalogue.ts'
import { type PackageHead, type PackageSeal, packageSealed } from './package.ts'

/** `already`: it was sealed before, and this is the same answer as then. */
export type FinalizeDecision =
  | { readonly outcome: 'finalized'; readonly payload: PackageSeal }
  | { readonly outcome: 'already'; readonly seal: PackageSeal }

/**
 * What finalize answers without a manifest being made: the seal of a package that has one, undefined for one that is open.
 * @throws ArtifactError `manifest-mismatch` when the caller expected another digest; `package-sealed` when discarded or deleted.
 */
export function existingSeal(head: PackageHead, expectedManifestDigest?: AnyDigest | undefined): PackageSeal | undefined {
  if (head.state === 'open') return undefined
  if (head.state !== 'finalized') throw packageSealed(head)
  checkExpected(head, head.seal, expectedManifestDigest)
  return head.seal
}

/**
 * Seals a package under the manifest that was made of its files as they were at `head.revision`. Sealing it again gives the same answer.
 * @param expectedManifestDigest either digest of the manifest that the caller made for itself.
 * @throws ArtifactError `manifest-mismatch` when they differ; `package-sealed` when the package is discarded or deleted.
 */
export function decideFinalize(
  head: PackageHead,
  seal: PackageSeal,
  expectedManifestDigest?: AnyDigest | undefined,
): FinalizeDecision {
  const existing = existingSeal(head, expectedManifestDigest)
  if (existing) return { outcome: 'already', seal: existing }
  checkExpected(head, seal, expectedManifestDigest)
  return { outcome: 'finalized', payload: seal }
}

export type DiscardDecision =
  | { readonly outcome: 'discarded'; readonly payload: PayloadOf<'v1.package.discarded'> }
  | { readonly outcome: 'already' }

/** Gives an open package up. Doing it again gives the same answer.
 * @throws ArtifactError `package-sealed` when it was finalized. */
export function decideDiscard(head: PackageHead, reason?: string | undefined): DiscardDecision {
  if (head.state === 'discarded') return { outcome: 'already' }
  if (head.state !== 'open') throw packageSealed(head)
  return { outcome: 'discarded', payload: { reason } }
}

function checkExpected(head: PackageHead, seal: PackageSeal, expected: AnyDigest | undefined): void {
  if (expected === undefined) return
  const actual = isBlake3(expected) ? seal.manifestDigest : seal.manifestSha256
  if (actual === expected) return
  throw new ArtifactError(
    'manifest-mismatch',
    `the manifest of package ${head.id} is ${actual}, not ${expected}; compare its files with yours`,
    {
      details: { packageId: head.id, expected, actual },
    },
  )
}

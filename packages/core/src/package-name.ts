import { ArtifactError } from './errors.ts'

/** What packages of one line are called, by the repository grammar of OCI distribution 1.1: `ci/nightly`. */
export type PackageName = string & { readonly __brand: 'PackageName' }
/** What one of them is called, by the tag grammar of OCI distribution 1.1: `1.4.0-rc.1`. */
export type PackageVersion = string & { readonly __brand: 'PackageVersion' }
/** What sort of thing a package is: `evidence`, `release`, `sbom.cyclonedx`. */
export type PackageKind = string & { readonly __brand: 'PackageKind' }

export const packageNamePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
/** A registry's host and the name together have 255 characters in many clients. */
export const maxPackageNameLength = 255
export const packageVersionPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
export const packageKindPattern = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/

/** @throws ArtifactError `invalid-request` naming the text. */
export function parsePackageName(text: string): PackageName {
  if (text.length > maxPackageNameLength || !packageNamePattern.test(text)) {
    throw refusal(
      'name',
      text,
      'names are segments of lower-case letters, digits and single ". _ -" between them, parted by "/", such as ci/nightly',
    )
  }
  return text as PackageName
}

/** @throws ArtifactError `invalid-request` naming the text. */
export function parsePackageVersion(text: string): PackageVersion {
  if (!packageVersionPattern.test(text)) {
    throw refusal(
      'version',
      text,
      'versions are 1 to 128 letters, digits and ". _ -", beginning with a letter, digit or "_", such as 1.4.0-rc.1',
    )
  }
  return text as PackageVersion
}

/** @throws ArtifactError `invalid-request` naming the text. */
export function parsePackageKind(text: string): PackageKind {
  if (!packageKindPattern.test(text)) {
    throw refusal(
      'kind',
      text,
      'kinds are 1 to 64 lower-case letters, digits and ". _ -", beginning and ending with a letter or digit, such as evidence',
    )
  }
  return text as PackageKind
}

function refusal(field: string, text: string, grammar: string): ArtifactError {
  const value = text.slice(0, 100).toWellFormed()
  return new ArtifactError('invalid-request', `${JSON.stringify(value)} is not a package ${field}: ${grammar}`, {
    details: { field, value },
  })
}

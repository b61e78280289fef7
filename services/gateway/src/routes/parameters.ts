import {
  type ArtifactPath,
  type PackageId,
  parseAnyDigest,
  parseArtifactPath,
  parsePackageId,
  parseTokenId,
  parseUploadId,
} from '@artifact-store/core'
import { z } from 'zod'

/** The parameters that several addresses share. Parsing throws the ArtifactError of what is wrong, which is a problem of its own type. */
export const packageIdParam = z
  .string()
  .describe('The id of the package, a UUIDv7')
  .transform((text): PackageId => parsePackageId(text))

export const pathParam = z
  .string()
  .describe('The path of the file within the package; slashes as they are')
  .transform((text): ArtifactPath => parseArtifactPath(text))

export const digestParam = z
  .string()
  .describe('The digest of the bytes, `blake3:<hex>` or `sha256:<hex>`')
  .transform(text => parseAnyDigest(text))

export const tokenIdParam = z
  .string()
  .describe('The id of the token, 32 hex digits')
  .transform(text => parseTokenId(text))

export const uploadIdParam = z
  .string()
  .describe('The id of the upload, a UUIDv7')
  .transform(text => parseUploadId(text))

export const viewTaskIdParam = z.coerce.number().int().min(1).describe('The id of the task, a whole number')

/** How many items of a list one page may have. */
export function limitParam(most: number, usual: number) {
  return z.coerce.number().int().min(1).max(most).default(usual).describe(`The most items of this page, 1 to ${most}`)
}

export const cursorParam = z.string().max(3000).optional().describe('Where the page begins: `next` of the page before')

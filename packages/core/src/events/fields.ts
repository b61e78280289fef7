import { z } from 'zod'
import { type ArtifactPath, parseArtifactPath } from '../artifact-path.ts'
import type { Digest, Sha256Digest } from '../digest.ts'
import type { PackageId } from '../ids.ts'
import { labelKeyPattern, labelValuePattern, maxLabels } from '../labels.ts'
import { mediaTypePattern } from '../media-type.ts'
import {
  maxPackageNameLength,
  type PackageKind,
  type PackageName,
  type PackageVersion,
  packageKindPattern,
  packageNamePattern,
  packageVersionPattern,
} from '../package-name.ts'

/** The pieces that payloads are made of. Each checks the grammar that the brand of its type stands for. */
export const digest = branded<Digest>(z.string().regex(/^blake3:[0-9a-f]{64}$/, 'must be blake3: and 64 lower-case hex digits'))
export const sha256 = branded<Sha256Digest>(
  z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 lower-case hex digits'),
)
export const anyDigest = z.union([digest, sha256])

/** In bytes: a whole number from 0 to 2^53 - 1. */
export const size = z.int().min(0)
/** How many: a whole number from 0. */
export const count = z.int().min(0)

export const path = branded<ArtifactPath>(z.string().refine(isArtifactPath, 'must be a normalised artifact path'))
export const mediaType = z.string().regex(mediaTypePattern, 'must be a media type without parameters')

export const packageId = branded<PackageId>(z.uuidv7().lowercase())
export const packageName = branded<PackageName>(z.string().max(maxPackageNameLength).regex(packageNamePattern))
export const packageVersion = branded<PackageVersion>(z.string().regex(packageVersionPattern))
export const packageKind = branded<PackageKind>(z.string().regex(packageKindPattern))

export const labelKey = z.string().regex(labelKeyPattern)
export const labels = z
  .record(labelKey, z.string().regex(labelValuePattern))
  .refine(set => Object.keys(set).length <= maxLabels, `at most ${maxLabels} labels`)

/** What an event is about; opaque to the log. */
export const subjectId = line(300)
/** Who did it, as the token says. */
export const actor = line(200)
/** Why, in a person's words. */
export const reason = z
  .string()
  .min(1)
  .max(2000)
  .regex(/^(?:[^\p{Cc}\p{Cs}]|[\n\t])*$/u, 'must not hold control characters')
/** The name of a class of a retention policy. */
export const retentionClass = z.string().regex(packageKindPattern)
/** RFC 3339 in UTC with whole milliseconds, as `Date.prototype.toISOString` writes it; from the year 0001 on, as PostgreSQL knows no year 0. */
export const timestamp = z.iso
  .datetime({ precision: 3 })
  .refine(text => !text.startsWith('0000'), 'must be of the year 0001 or later')
/** A sequence of the log; 0 is before the first. */
export const position = z.int().min(0)
/** A URI, or anything else that names a thing in one line. */
export const uri = line(2048)

/** One line of text: no control characters, which also keeps out NUL, of which PostgreSQL knows no text. */
export function line(maxLength: number) {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be one line without control characters')
}

/** The schema's check is the proof that the brand stands for. */
function branded<Brand extends string>(schema: z.ZodType<string>): z.ZodType<Brand> {
  return schema as z.ZodType<Brand>
}

function isArtifactPath(text: string): boolean {
  try {
    return parseArtifactPath(text) === text
  } catch {
    return false
  }
}

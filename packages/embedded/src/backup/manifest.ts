import { ArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import { parseJson, readSmallFile } from '../small-file.ts'
import type { BackupLayout } from './place.ts'

const whole = z.int().nonnegative()
const copied = z.object({ blobs: whole, bytes: whole, damaged: whole })

const manifestSchema = z.object({
  format: z.literal(1),
  /** When it began: all that was acknowledged before is in it. */
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** The last event of the log when it began. */
  head: whole,
  database: z.object({
    /** PostgreSQL's. */
    version: z.string(),
    /** Where in the write-ahead log it begins, and up to where it has to be replayed. */
    from: z.string(),
    to: z.string(),
    files: whole,
    bytes: whole,
    /** SHA-256 of files.ndjson, in hex. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  blobs: copied,
  logArchive: copied,
})

/** What a backup is. It is written last, so a backup that has none is none. */
export type Manifest = z.infer<typeof manifestSchema>

/** @throws ArtifactError `configuration` where there is none, or one that this version does not know */
export async function readManifest(backup: BackupLayout): Promise<Manifest> {
  const text = await readSmallFile(backup.manifest)
  if (text === undefined) {
    throw new ArtifactError(
      'configuration',
      `${backup.path} is no whole backup: it has no manifest.json, so its making was interrupted. Choose another one`,
    )
  }
  const parsed = manifestSchema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new ArtifactError(
    'configuration',
    `${backup.manifest} is damaged, or of a newer version than this: choose another backup, or the version that made it`,
    {
      cause: parsed.error,
    },
  )
}

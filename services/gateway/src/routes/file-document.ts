import type { FileEntry } from '@artifact-store/core'
import { z } from 'zod'

/** A file of a package as the API shows it. */
export const fileDocument = z.object({
  path: z.string(),
  digest: z.string(),
  sha256: z.string(),
  size: z.int(),
  mediaType: z.string(),
})

/** What became of one of several files. */
export interface FileResult {
  readonly path: string
  readonly status: number
  readonly file?: z.infer<typeof fileDocument>
  readonly problem?: object
}

export function toFileDocument({ path, digest, sha256, size, mediaType }: FileEntry): z.infer<typeof fileDocument> {
  return { path, digest, sha256, size, mediaType }
}

import { join } from 'node:path'

/** The file of a blob in a store of that directory. */
export function blobFileIn(directory: string, digest: string): string {
  const hex = digest.slice('blake3:'.length)
  return join(directory, 'blobs', 'blake3', hex.slice(0, 2), hex.slice(2, 4), hex)
}

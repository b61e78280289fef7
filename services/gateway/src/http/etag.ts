import type { Digest } from '@artifact-store/core'

/** The strong entity tag of bytes: their digest. */
export function etagOf(digest: Digest): string {
  return `"${digest}"`
}

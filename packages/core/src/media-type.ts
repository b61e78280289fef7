import { ArtifactError } from './errors.ts'

/** `type/subtype` by the names of RFC 6838 section 4.2, as OCI descriptors want it: without parameters. */
export const mediaTypePattern = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/

/** For bytes of which nothing is known. */
export const defaultMediaType = 'application/octet-stream'

/** The media type of a `Content-Type` (RFC 9110 section 8.3), in lower case; parameters such as `charset` are dropped.
 * @throws ArtifactError `unsupported-media-type` when it names none. */
export function parseMediaType(contentType: string): string {
  const mediaType = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
  if (!mediaTypePattern.test(mediaType)) {
    const shown = JSON.stringify(contentType.slice(0, 100).toWellFormed())
    throw new ArtifactError('unsupported-media-type', `${shown} is not a media type; give one such as text/plain`)
  }
  return mediaType
}

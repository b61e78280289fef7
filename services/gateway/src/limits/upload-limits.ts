import type { ByteStream } from '@artifact-store/blobs'
import { ArtifactError } from '@artifact-store/core'

/** What one upload may bring. */
export interface UploadLimits {
  /** Most bytes of one file. */
  readonly maxBytes: number
  /** Most files of one tar stream. */
  readonly maxFiles: number
}

export function fileTooLarge(maxBytes: number, length?: number): ArtifactError {
  const found = length === undefined ? 'this one has more' : `not ${length}`
  return new ArtifactError('body-too-large', `a file may have ${maxBytes} bytes here, ${found}: split it`, {
    details: { maxBytes, ...(length === undefined ? {} : { length }) },
  })
}

export function tooManyFiles(maxFiles: number): ArtifactError {
  return new ArtifactError(
    'body-too-large',
    `a tar stream may have ${maxFiles} files here: those are in the package, send the others in a stream of their own`,
    { details: { maxFiles } },
  )
}

/** The same stream. @throws ArtifactError `body-too-large` with the first chunk that goes beyond the limit. */
export async function* atMost(bytes: ByteStream, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let total = 0
  for await (const chunk of bytes) {
    total += chunk.byteLength
    if (total > maxBytes) throw fileTooLarge(maxBytes)
    yield chunk
  }
}

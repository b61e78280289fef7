import { ArtifactError } from '@artifact-store/core'
import type { Append } from '../event-log.ts'
import { appendFramesType, readFrames } from './append-frames.ts'
import { jsonAppendsType, readAppendsJson } from './append-json.ts'

/**
 * The appends of a request body in either form that it may have, each by itself: what is wrong with one says nothing of the others.
 * @param contentType the request's header.
 * @throws ArtifactError `unsupported-media-type`; `invalid-json` or `invalid-request` when the body as a whole cannot be read.
 */
export function readAppends(contentType: string | undefined, body: Buffer): readonly (Append | ArtifactError)[] {
  switch (contentType?.split(';', 1)[0]?.trim().toLowerCase()) {
    case appendFramesType:
      return readFrames(body)
    case jsonAppendsType:
      return readAppendsJson(body)
    default:
      throw new ArtifactError(
        'unsupported-media-type',
        `appends come as ${jsonAppendsType} or ${appendFramesType}, not ${contentType ?? 'without a Content-Type'}`,
      )
  }
}

import { smallBlobBytes } from '@artifact-store/blobs'
import type { Digest, Sha256Digest } from '@artifact-store/core'
import type { AppEnv } from '@artifact-store/service'
import type { Context } from 'hono'
import type { GatewayContext } from '../context.ts'
import { attachment } from './content-disposition.ts'
import { etagOf } from './etag.ts'
import { prefers } from './preferences.ts'
import { sendRepresentation } from './send-representation.ts'

/** A blob to send, and what is said of it. */
export interface SendableBlob {
  readonly digest: Digest
  readonly sha256: Sha256Digest
  readonly size: number
  readonly mediaType: string
  /** The path whose last segment a browser shall save it under. */
  readonly fileName?: string
  /** Whether other bytes may stand at this address one day, as in a package that is still open. */
  readonly mayChange?: boolean
}

/**
 * Answers GET and HEAD for a blob, every byte of it proven by its digest; or says where its bytes lie, to a client that prefers that and proves them itself, if it is
 * worth the way.
 */
export function sendBlob(
  c: Context<AppEnv>,
  { blobs: store, redirectSeconds: seconds }: Pick<GatewayContext, 'blobs' | 'redirectSeconds'>,
  blob: SendableBlob,
  signal: AbortSignal,
): Promise<Response> {
  const { digest, sha256, size, mediaType, fileName, mayChange } = blob
  return sendRepresentation(
    c,
    {
      etag: etagOf(digest),
      digests: [sha256, digest],
      ...{ size, mediaType, fileName, mayChange },
      open: range => store.get(digest, { size, range, signal }),
      read: size <= smallBlobBytes ? () => store.getBytes(digest, { size, signal }) : undefined,
      elsewhere:
        seconds > 0 && size > smallBlobBytes && prefers(c, 'redirect')
          ? () => {
              const disposition = fileName === undefined ? 'attachment' : attachment(fileName)
              return store.presignGet(digest, { seconds, mediaType, disposition, signal })
            }
          : undefined,
    },
    signal,
  )
}

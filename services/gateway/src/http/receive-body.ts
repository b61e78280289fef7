import { type ByteStream, smallBlobBytes } from '@artifact-store/blobs'
import { type AnyDigest, ArtifactError, defaultMediaType, parseMediaType } from '@artifact-store/core'
import { type AppEnv, acceptBody } from '@artifact-store/service'
import type { Context } from 'hono'
import { atMost, fileTooLarge } from '../limits/upload-limits.ts'
import { patient } from './patient.ts'
import { rawOf } from './raw.ts'
import { readSmall } from './read-small.ts'
import { parseReprDigest } from './repr-digest.ts'

/** A body as its head describes it, before a byte of it is read. */
export interface IncomingBody {
  /** The length that was declared; undefined for a chunked body. */
  readonly size: number | undefined
  /** The digests that it must have, as the client says. */
  readonly expect: readonly AnyDigest[]
  readonly mediaType: string
  /** Asks for the body (`100 Continue`) and reads it. */
  open(): ByteStream
  /** The same, but a body that announces itself as a small one is read whole. */
  openOrRead(): ByteStream | Promise<Uint8Array>
}

export interface BodyLimits {
  readonly idleMs: number
  /** In bytes; as many as come where it is not given. */
  readonly maxBytes?: number | undefined
}

/**
 * Describes the body of an upload. Nothing is read until `open()`, so that an upload which is refused costs no bytes.
 * @param limits how long the client may send nothing while it is read, in milliseconds, and the most that is read of it.
 * @throws ArtifactError `invalid-request` for malformed digests, `unsupported-media-type` for an encoded body or what is no media type,
 *   `body-too-large`, which the stream throws where the length was not declared.
 */
export function receiveBody(c: Context<AppEnv>, limits: BodyLimits): IncomingBody {
  const { idleMs, maxBytes = Number.POSITIVE_INFINITY } = limits
  const encoding = c.req.header('content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new ArtifactError('unsupported-media-type', `the body is encoded as "${encoding}"; send the bytes as they are`)
  }
  const length = c.req.header('content-length')
  const size = length === undefined ? undefined : Number(length)
  if (size !== undefined && size > maxBytes) throw fileTooLarge(maxBytes, size)
  const expect = [
    ...parseReprDigest('Repr-Digest', c.req.header('repr-digest')),
    // Without a content coding, the content is the representation (RFC 9530, section 2).
    ...parseReprDigest('Content-Digest', c.req.header('content-digest')),
  ]
  const mediaType = parseMediaType(c.req.header('content-type') ?? defaultMediaType)
  const open = () => {
    const bytes = patient(readBody(c, size), idleMs)
    // A declared length is kept by Node's parser.
    return size === undefined && maxBytes !== Number.POSITIVE_INFINITY ? atMost(bytes, maxBytes) : bytes
  }
  const openOrRead = () => {
    const { incoming, outgoing } = rawOf(c)
    if (!incoming || size === undefined || size > smallBlobBytes) return open()
    acceptBody(outgoing)
    return readSmall(incoming, idleMs, (received, cause) => brokenOff(received, size, cause))
  }
  return { size, expect, mediaType, open, openOrRead }
}

async function* readBody(c: Context<AppEnv>, size: number | undefined): AsyncGenerator<Uint8Array> {
  const { incoming, outgoing } = rawOf(c)
  let received = 0
  try {
    if (incoming && outgoing) {
      acceptBody(outgoing)
      // Not destroyed on return: whoever stops reading half way still has a problem document to answer on this socket.
      for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        received += chunk.byteLength
        yield chunk
      }
    } else {
      for await (const chunk of c.req.raw.body ?? []) {
        received += chunk.byteLength
        yield chunk
      }
    }
  } catch (error) {
    throw brokenOff(received, size, error)
  }
}

function brokenOff(received: number, size: number | undefined, cause: unknown): ArtifactError {
  return new ArtifactError(
    'body-incomplete',
    `the body broke off after ${received} of ${size ?? 'an unknown number of'} bytes: nothing was kept, send it again`,
    { cause, details: { receivedBytes: received, ...(size === undefined ? {} : { expectedBytes: size }) } },
  )
}

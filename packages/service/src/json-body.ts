import { ArtifactError, parseStrictJson } from '@artifact-store/core'
import type { Context } from 'hono'
import type { z } from 'zod'
import { acceptBody } from './accept-body.ts'
import { type AppEnv, outgoingOf } from './app-env.ts'
import { invalidFields } from './problem.ts'

export interface JsonBodyOptions {
  /** The longest body that is read, in bytes; 1 MiB by default. */
  readonly maxBytes?: number | undefined
  /** How long it may take to arrive, however steadily it trickles, in milliseconds; half a minute by default. */
  readonly maxMs?: number | undefined
}

/**
 * Reads a JSON body (I-JSON, RFC 7493: no duplicate keys) and checks it against a schema. An absent body counts as `{}` where it has no content type.
 * @throws ArtifactError `unsupported-media-type`, `body-too-large` (without reading on), `request-timeout`, `invalid-json`, or `invalid-request`
 *   whose details list the wrong fields as `errors: [{ pointer, message }]`.
 */
export async function readJson<T>(c: Context<AppEnv>, schema: z.ZodType<T>, options: JsonBodyOptions = {}): Promise<T> {
  const { maxBytes = 1024 * 1024, maxMs = 30_000 } = options
  const bytes = await inTime(readBytes(c, maxBytes), maxMs)
  const mediaType = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  const absent = bytes.byteLength === 0 && mediaType === undefined
  if (!absent && (mediaType === undefined || !/^application\/(json|[\w.-]+\+json)$/.test(mediaType))) {
    throw new ArtifactError(
      'unsupported-media-type',
      `the body must be application/json, not ${mediaType ?? 'without a Content-Type'}`,
    )
  }
  const parsed = schema.safeParse(absent ? {} : parseStrictJson(bytes))
  if (parsed.success) return parsed.data
  const errors = invalidFields(parsed.error)
  const first = errors[0]
  throw new ArtifactError(
    'invalid-request',
    `the body is not valid at ${first?.pointer ?? '#'}: ${first?.message ?? 'invalid'}`,
    { details: { errors } },
  )
}

async function readBytes(c: Context<AppEnv>, maxBytes: number): Promise<Buffer> {
  if (Number(c.req.header('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
  acceptBody(outgoingOf(c))
  const { body } = c.req.raw
  if (body === null) return Buffer.alloc(0)
  const chunks: Uint8Array[] = []
  let total = 0
  for await (const chunk of body) {
    total += chunk.byteLength
    if (total > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, total)
}

function inTime<T>(arriving: Promise<T>, maxMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new ArtifactError('request-timeout', `the body did not come within ${maxMs / 1000} s: send it again, at once`))
    }, maxMs)
    arriving.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function tooLarge(maxBytes: number): ArtifactError {
  return new ArtifactError(
    'body-too-large',
    `the body is longer than the ${maxBytes} bytes that are allowed here; send less at once`,
    { details: { maxBytes } },
  )
}

import { timingSafeEqual } from 'node:crypto'
import { ArtifactError, blake3, catalogue, isArtifactError, isKnownType, parseStrictJson } from '@artifact-store/core'
import {
  type Append,
  type AppendPort,
  decodeAppend,
  encodeOutcome,
  maxAppendRequestBytes,
  type WireResult,
  wireAppends,
} from '@artifact-store/log'
import { type AppEnv, readJson, type Secret } from '@artifact-store/service'
import type { Handler } from 'hono'

/** `POST /v1/appends`: appends each of the appends that the request carries; every one has an outcome of its own. */
export function appendRoute(log: AppendPort, token: Secret): Handler<AppEnv> {
  return async c => {
    authorize(c.req.header('authorization'), token)
    const { appends } = await readJson(c, wireAppends, { maxBytes: maxAppendRequestBytes })
    const results = await Promise.all(
      appends.map(async (wire): Promise<WireResult> => {
        try {
          const append = decodeAppend(wire)
          checkEvents(append)
          return encodeOutcome(await log.append(append))
        } catch (error) {
          // What is wrong with one append is told of that one; what keeps the log from being written is told of the request.
          if (isArtifactError(error, 'invalid-request', 'invalid-json'))
            return { outcome: 'refused', kind: error.kind, message: error.message }
          throw error
        }
      }),
    )
    return c.json({ results })
  }
}

/**
 * Nothing enters the log whose payload is not what its digest and its type say. A type that is not known here is let through: it
 * comes from a newer version, which checked it.
 */
function checkEvents(append: Append): void {
  for (const event of append.events) {
    if (!timingSafeEqual(blake3(event.payloadJson), event.payloadDigest)) {
      throw new ArtifactError(
        'invalid-request',
        `the payload of ${event.eventType} about ${event.subjectKind}/${event.subjectId} does not have its digest`,
      )
    }
    const payload = parseStrictJson(event.payloadJson)
    if (!isKnownType(event.eventType)) continue
    const definition = catalogue[event.eventType]
    const parsed = definition.payload.safeParse(payload)
    if (!parsed.success || definition.subject !== event.subjectKind) {
      throw new ArtifactError(
        'invalid-request',
        `the event ${event.eventType} about ${event.subjectKind}/${event.subjectId} is not what the catalogue says`,
        {
          cause: parsed.error,
        },
      )
    }
  }
}

function authorize(authorization: string | undefined, token: Secret): void {
  const given = blake3(authorization ?? '')
  if (!timingSafeEqual(given, blake3(`Bearer ${token.reveal()}`))) {
    throw new ArtifactError(
      'unauthenticated',
      'appending needs the token that this log-writer was started with (LOG_WRITER_TOKEN)',
    )
  }
}

import { timingSafeEqual } from 'node:crypto'
import { ArtifactError, blake3, isArtifactError } from '@artifact-store/core'
import {
  decodeAppend,
  encodeOutcome,
  maxAppendRequestBytes,
  type PostgresLog,
  type WireResult,
  wireAppends,
} from '@artifact-store/log'
import { type AppEnv, readJson, type Secret } from '@artifact-store/service'
import type { Handler } from 'hono'
import { checkEvent } from './check-event.ts'

export interface AppendRouteOptions {
  readonly log: PostgresLog
  /** What those who append must send as their bearer token. */
  readonly token: Secret
  /** How many appends may wait before a request is pushed back. */
  readonly maxWaiting: number
}

/**
 * `POST /v1/appends`: appends each of the appends that the request carries; every one has an outcome of its own. Under too much load the
 * request is pushed back whole, so that one which is sent again does not run into its own beginning.
 */
export function appendRoute({ log, token, maxWaiting }: AppendRouteOptions): Handler<AppEnv> {
  return async c => {
    authorize(c.req.header('authorization'), token)
    const { appends } = await readJson(c, wireAppends, { maxBytes: maxAppendRequestBytes })
    pushBack(log.waiting, appends.length, maxWaiting)
    const results = await Promise.all(appends.map(append => appendOne(log, append)))
    return c.json({ results })
  }
}

async function appendOne(log: PostgresLog, wire: Parameters<typeof decodeAppend>[0]): Promise<WireResult> {
  try {
    const append = decodeAppend(wire)
    for (const event of append.events) checkEvent(event)
    return encodeOutcome(await log.append(append))
  } catch (error) {
    // What is wrong with one append is told of that one; what keeps the log from being written is told of the request.
    if (!isArtifactError(error, 'invalid-request', 'invalid-json', 'digest-mismatch')) throw error
    return { outcome: 'refused', kind: error.kind, message: error.message }
  }
}

/** A request that alone is more than may wait is taken when nothing does. */
function pushBack(waiting: number, more: number, maxWaiting: number): void {
  if (waiting === 0 || waiting + more <= maxWaiting) return
  throw new ArtifactError('overloaded', `${waiting} appends are waiting already; try again in a second`, {
    details: { waiting, maxWaiting },
  })
}

function authorize(authorization: string | undefined, token: Secret): void {
  const given = blake3(authorization ?? '')
  if (timingSafeEqual(given, blake3(`Bearer ${token.reveal()}`))) return
  throw new ArtifactError('unauthenticated', 'appending needs the token that this log-writer was started with (LOG_WRITER_TOKEN)')
}

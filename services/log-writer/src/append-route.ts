import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ArtifactError, isArtifactError } from '@artifact-store/core'
import { type Append, type AppendOutcome, type PostgresLog, readAppends, refusalKinds, writeResults } from '@artifact-store/log'
import type { DirectRoute, Secret } from '@artifact-store/service'
import type { AppendIntake } from './append-intake.ts'
import type { AppendMetrics } from './append-metrics.ts'
import type { AppendTraces } from './append-traces.ts'
import { checkEvent } from './check-event.ts'

export interface AppendRouteOptions {
  readonly log: Pick<PostgresLog, 'append' | 'waiting'>
  readonly intake: AppendIntake
  readonly metrics: AppendMetrics
  /** Where appends are traced. */
  readonly traces?: AppendTraces | undefined
  /** What those who append must send as their bearer token. */
  readonly token: Secret
  /** How many appends may wait before a request is pushed back. */
  readonly maxWaiting: number
}

/**
 * `POST /v1/appends`: appends each of the appends that the request carries; every one has an outcome of its own. Under too much load the
 * request is pushed back whole, so that one which is sent again does not run into its own beginning.
 */
export function appendRoute(options: AppendRouteOptions): DirectRoute {
  const { log, intake, metrics, traces, maxWaiting } = options
  const authorize = authorizer(options.token)

  async function appendAll(incoming: IncomingMessage, body: Buffer, arrivedAt: number): Promise<string> {
    const appends = readAppends(incoming.headers['content-type'], body)
    pushBack(log.waiting, appends.length, maxWaiting)
    const answers = appends.map(async append => {
      const result = isArtifactError(append) ? append : await appendTraced(append)
      metrics.answered(result, arrivedAt)
      return result
    })
    // All of them, also where one has failed already: what the request holds is given up when nothing of it is under way.
    await Promise.allSettled(answers)
    return writeResults(await Promise.all(answers))
  }

  async function appendTraced(append: Append): Promise<AppendOutcome | ArtifactError> {
    if (!traces || append.traceparent === undefined) return appendOne(log, append)
    const ended = traces.begin(append, append.traceparent)
    try {
      const result = await appendOne(log, append)
      ended(result)
      return result
    } catch (error) {
      ended(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const arrivedAt = performance.now()
    authorize(incoming.headers.authorization)
    const results = await intake.hold(incoming, outgoing, body => appendAll(incoming, body, arrivedAt))
    outgoing.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(results) })
    outgoing.end(results)
  }

  return {
    method: 'POST',
    path: '/v1/appends',
    async handle(incoming, outgoing) {
      try {
        await answer(incoming, outgoing)
      } catch (error) {
        metrics.refused(isArtifactError(error) ? error.kind : 'internal')
        throw error
      }
    },
  }
}

async function appendOne(log: Pick<PostgresLog, 'append'>, append: Append): Promise<AppendOutcome | ArtifactError> {
  try {
    for (const event of append.events) checkEvent(event)
    return await log.append(append)
  } catch (error) {
    // What is wrong with one append is told of that one; what keeps the log from being written is told of the request.
    if (!isArtifactError(error, ...refusalKinds)) throw error
    return error
  }
}

/** A request that alone is more than may wait is taken when nothing does. */
function pushBack(waiting: number, more: number, maxWaiting: number): void {
  if (waiting === 0 || waiting + more <= maxWaiting) return
  throw new ArtifactError('overloaded', `${waiting} appends are waiting already; try again in a second`, {
    details: { waiting, maxWaiting },
  })
}

function authorizer(token: Secret): (authorization: string | undefined) => void {
  const expected = Buffer.from(`Bearer ${token.reveal()}`)
  return authorization => {
    const given = Buffer.from(authorization ?? '')
    // How long it is, is no secret.
    if (given.length === expected.length && timingSafeEqual(given, expected)) return
    throw new ArtifactError(
      'unauthenticated',
      'appending needs the token that this log-writer was started with (LOG_WRITER_TOKEN)',
    )
  }
}

import { ArtifactError, type ArtifactStoreClient, isArtifactError } from '@artifact-store/client'
import { addressFindings } from './address.ts'
import { clockFindings } from './clock.ts'
import { type Finding, good, unknown, wrong } from './finding.ts'
import { readinessFindings } from './readiness.ts'
import { statusFindings } from './status.ts'
import { streamFindings } from './stream.ts'
import { versionFindings } from './version.ts'
import { writeFindings } from './write.ts'

export interface Examination {
  readonly client: ArtifactStoreClient
  readonly url: string
  /** Whether a small blob may be stored. */
  readonly mayWrite: boolean
  readonly signal: AbortSignal
}

/** Looks at a deployment from outside, from what everything rests on to what rests on it, and tells each finding as it is made. */
export async function* examine({ client, url, mayWrite, signal }: Examination): AsyncGenerator<Finding> {
  yield* addressFindings(url)
  const askedAt = Date.now()
  const answer = await client.server.look({ signal }).catch((error: unknown) => refusal(error, signal))
  if (answer instanceof ArtifactError) return yield wrong('gateway', answer.message)
  const { health, httpStatus, date } = answer
  if (!health) {
    return yield wrong(
      'gateway',
      `what answers at ${url} is no gateway of an artifact store: GET /health was answered with ${httpStatus}`,
      'check the address and the port; if there is a proxy in front, see that it passes every path on, and that the gateway behind it runs',
    )
  }
  yield good('gateway', `${health.name} ${health.version} answers at ${url}`)
  yield* clockFindings(date, { askedAt, answeredAt: Date.now() })
  yield* versionFindings(health.version)
  yield* readinessFindings(health)

  const status = await client.server.status({ signal }).catch((error: unknown) => refusal(error, signal))
  if (status instanceof ArtifactError) {
    yield tokenFinding(status)
    return yield unknown('log, views, stream', 'nothing more can be found out without an answer to GET /v1/status')
  }
  yield good('token', `it is that of "${status.token.actor}", with the scopes ${status.token.scopes.join(', ')}`)
  yield* statusFindings(status, Date.now())
  yield* streamFindings(await client.server.beginStream(status.log.head, 5000, { signal }).catch(error => refusal(error, signal)))
  if (mayWrite) yield* writeFindings(client, status.token.scopes, signal)
}

function tokenFinding(error: ArtifactError): Finding {
  switch (error.kind) {
    case 'unauthenticated':
      return wrong('token', error.message, 'give another one by --token or ARTIFACT_STORE_TOKEN')
    case 'forbidden':
      return wrong('token', error.message, 'ask an administrator for a token with the scope "read"')
    case 'route-not-found':
      return wrong('version', 'the gateway does not know GET /v1/status: it is older than this command', 'upgrade the gateway')
    default:
      return wrong('token', `whether it is valid cannot be found out: ${error.message}`)
  }
}

/** What a call was refused with, as a value. @throws what is no refusal, and the signal's reason. */
function refusal(error: unknown, signal: AbortSignal): ArtifactError {
  signal.throwIfAborted()
  if (isArtifactError(error)) return error
  throw error
}

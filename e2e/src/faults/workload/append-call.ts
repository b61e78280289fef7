import { isArtifactError, type NewEvent } from '@artifact-store/core'
import { type Append, type AppendPort, openRemoteLog, type RemoteLog } from '@artifact-store/log'
import type { AppendAnswer, History, SentEvent } from '../history.ts'
import { logWriterToken } from '../world/world.ts'
import { now } from './load.ts'

/** The log-writers at these addresses, the preferred one first, as those reach them who append through the library. */
export function openLogWriters([preferred, ...others]: readonly [string, ...string[]]): RemoteLog {
  const urls = [new URL(preferred), ...others.map(url => new URL(url))] as const
  return openRemoteLog({ urls, token: logWriterToken, patienceMs: 1500, attemptMs: 700 })
}

/** Appends once, as far as the caller is concerned, and writes down what was asked and answered. */
export async function callAppend(
  history: History,
  client: string,
  port: AppendPort,
  append: Append,
  signal?: AbortSignal,
): Promise<AppendAnswer> {
  const asked = now()
  const answer = await port.append(append, { signal }).catch((error: unknown) => failed(error, signal))
  const { key, conditions } = append
  history.appends.push({ client, key, conditions, events: append.events.map(sentEvent), answer, asked, answered: now() })
  return answer
}

function sentEvent({ eventType, subjectKind, subjectId, actor, payloadDigest }: NewEvent): SentEvent {
  return { type: eventType, kind: subjectKind, id: subjectId, actor, digest: Buffer.from(payloadDigest).toString('hex') }
}

function failed(error: unknown, signal: AbortSignal | undefined): AppendAnswer {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  if (isArtifactError(error, 'invalid-request', 'invalid-json', 'digest-mismatch')) return { outcome: 'refused', message }
  if (isArtifactError(error, 'log-unavailable', 'overloaded')) return { outcome: 'unknown', message }
  if (signal?.aborted && error === signal.reason) return { outcome: 'unknown', message }
  return { outcome: 'broken', message }
}

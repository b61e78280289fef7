import { randomUUID } from 'node:crypto'
import {
  blake3,
  canonicalJson,
  type JsonObject,
  makeEvent,
  type NewEvent,
  newPackageId,
  parsePackageKind,
  parsePackageName,
} from '@artifact-store/core'
import { type AppendPort, openRemoteLog } from '@artifact-store/log'
import { type ServiceUnderTest, startService } from '@artifact-store/testkit'

export const token = 'the secret of those who append'

export function startLogWriter(
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {},
  until: 'ready' | 'listening' = 'ready',
): Promise<ServiceUnderTest> {
  return startService('log-writer', { until, env: { DATABASE_URL: databaseUrl, LOG_WRITER_TOKEN: token, ...env } })
}

/** The log as a gateway has it. */
export function remoteLog(service: ServiceUnderTest): AppendPort {
  return openRemoteLog({ urls: [new URL(service.url)], token })
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The results, or a problem document. */
  readonly body: JsonObject & { readonly results?: readonly JsonObject[] }
}

/** `POST /v1/appends` with that body, as it is where it is a text. */
export async function post(
  service: ServiceUnderTest,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`${service.url}/v1/appends`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] }
}

/** A request body of one append for each event. */
export function appends(...events: readonly NewEvent[]) {
  return { appends: events.map(event => append([event])) }
}

/** An append as it travels. */
export function append(events: readonly NewEvent[], { key = randomUUID(), conditions = [] as readonly object[] } = {}) {
  return {
    key,
    conditions,
    events: events.map(event => ({ ...event, payloadDigest: Buffer.from(event.payloadDigest).toString('hex') })),
  }
}

/** An event of a type that this version does not know. */
export function unknownEvent(payload: JsonObject = {}, subjectId = 'thing'): NewEvent {
  return eventOf(canonicalJson(payload), { eventType: 'v1.thing.touched', subjectKind: 'thing', subjectId })
}

/** An event with that very payload and its digest. */
export function eventOf(
  payloadJson: string,
  { eventType = 'v1.thing.touched', subjectKind = 'thing', subjectId = 'thing' } = {},
): NewEvent {
  return { eventType, subjectKind, subjectId, actor: 'ci', payloadJson, payloadDigest: blake3(payloadJson) }
}

export function packageCreated(subjectId: string = newPackageId()): NewEvent {
  const payload = {
    name: parsePackageName('ci/nightly'),
    kind: parsePackageKind('evidence'),
    labels: {},
    inputs: [],
    retentionClass: 'default',
  }
  return makeEvent({ type: 'v1.package.created', subjectId, actor: 'ci', payload })
}

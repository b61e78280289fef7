import { ArtifactStoreClient } from '@artifact-store/client'
import { isArtifactError } from '@artifact-store/core'
import type { GatewayAnswer, GatewayRequest, History } from '../history.ts'
import { adminToken } from '../world/world.ts'
import type { ExchangeWatch } from './http-exchanges.ts'
import { now } from './load.ts'

/** The SDK, which asks once only: who uses it here asks again by itself, and sooner than the store would like, so that more happens. */
export function gatewayClient(url: string): ArtifactStoreClient {
  return new ArtifactStoreClient({ url, token: adminToken, retry: { attempts: 1 }, idleTimeoutMs: 2500 })
}

/** Makes a call and writes down what was asked and answered. @returns also the highest position that an answer named; 0 for none. */
export async function callGateway(
  history: History,
  client: string,
  watch: ExchangeWatch,
  call: GatewayRequest,
  work: () => Promise<GatewayAnswer>,
): Promise<{ answer: GatewayAnswer; position: number }> {
  const asked = now()
  const { result, exchanges } = await watch.during(work)
  const answer = result.status === 'fulfilled' ? result.value : failed(result.reason)
  history.gatewayCalls.push({ client, call, exchanges, answer, asked, answered: now() })
  return { answer, position: Math.max(0, ...exchanges.map(exchange => exchange.position ?? 0)) }
}

/** What a client acts on by itself. */
const reasons = ['path-taken', 'package-sealed', 'package-not-found', 'path-conflict', 'manifest-mismatch'] as const
/** What leaves open what became of the call. */
const passing = [
  'log-unavailable',
  'overloaded',
  'views-behind',
  'backend-unavailable',
  'storage-full',
  'revision-conflict',
  'body-incomplete',
] as const

function failed(error: unknown): GatewayAnswer {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  if (isArtifactError(error, ...reasons)) return { outcome: 'refused', kind: error.kind, message }
  if (isArtifactError(error, ...passing)) return { outcome: 'unknown', message: `${error.kind}: ${message}` }
  return { outcome: 'broken', message: isArtifactError(error) ? `${error.kind}: ${message}` : message }
}

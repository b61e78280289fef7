import { type RunningSystem, startSystem, startTestNats } from '@artifact-store/testkit'

/** The services as processes, with a broker, after a write and a read: every metric that there is has something to tell of. */
export async function startBusySystem(): Promise<RunningSystem> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await startTestNats())
  const system = stack.use(await startSystem({ env: { NATS_URL: nats.url } }))
  const headers = { authorization: `Bearer ${system.token}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ name: 'ci/nightly', kind: 'evidence' })
  await (await fetch(`${system.gateway.url}/v1/packages`, { method: 'POST', headers, body })).body?.cancel()
  await (await fetch(`${system.gateway.url}/v1/events`, { headers })).body?.cancel()
  const started = stack.move()
  return { ...system, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

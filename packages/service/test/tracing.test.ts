import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { loadConfig, traceparentOf } from '../src/index.ts'
import { openTracing } from '../src/tracing/tracing.ts'
import { isTracingOn, tracingConfig } from '../src/tracing/tracing-settings.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

const configOf = (env: Readonly<Record<string, string>>) => loadConfig(tracingConfig, env)

it('is off unless the standard variables say where to or that it shall be on, and off when one of them says so', () => {
  const isOn = (env: Readonly<Record<string, string>>) => isTracingOn(configOf(env))
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }
  expect(isOn({})).toBe(false)
  expect(isOn(endpoint)).toBe(true)
  expect(isOn({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' })).toBe(true)
  expect(isOn({ OTEL_TRACES_EXPORTER: 'otlp' })).toBe(true)
  expect(isOn({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBe(false)
  expect(isOn({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBe(false)
  expect(isOn({ OTEL_TRACES_SAMPLER: 'always_on' })).toBe(false)
})

it('is nothing at all where it is off', async () => {
  expect(await openTracing(configOf({}), { name: 'test', logger: recordingLogger().logger })).toBeUndefined()
})

it('refuses settings that are wrong with what to give instead', () => {
  expect(() => configOf({ OTEL_TRACES_SAMPLER_ARG: '2', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toThrow(
    /OTEL_EXPORTER_OTLP_PROTOCOL: "grpc".*http\/json.*\nOTEL_TRACES_SAMPLER_ARG: "2" is not a share/s,
  )
})

it('sends protobuf to where it was told, with the headers that it was told, and the last spans when it ends', async () => {
  const { promise: received, resolve } = Promise.withResolvers<{
    path: string | undefined
    key: unknown
    type: unknown
    body: Buffer
  }>()
  await using collector = await listening(async (incoming, outgoing) => {
    const { 'x-key': key, 'content-type': type } = incoming.headers
    resolve({ path: incoming.url, key, type, body: await buffer(incoming) })
    outgoing.end()
  })
  const tracing = await openTracing(
    configOf({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/otlp/`, OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20key' }),
    { name: 'test', logger: recordingLogger().logger },
  )
  tracing?.start('a span to remember', { kind: 'internal' }).end()
  await tracing?.[Symbol.asyncDispose]()
  const { path, key, type, body } = await received
  expect({ path, key, type }).toEqual({ path: '/otlp/v1/traces', key: 'a key', type: 'application/x-protobuf' })
  expect(body.includes('a span to remember')).toBe(true)
  expect(body.includes('artifact-store-test')).toBe(true)
})

it('says once that spans cannot be sent', async () => {
  await using collector = await listening((_, outgoing) => void outgoing.writeHead(400).end())
  const { logger, lines } = recordingLogger()
  const config = configOf({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '1' })
  const tracing = await openTracing(config, { name: 'test', logger })
  const warnings = () => lines.filter(line => line['level'] === 'warn')
  tracing?.start('lost', { kind: 'internal' }).end()
  await expect.poll(warnings, { timeout: 20_000 }).toHaveLength(1)
  tracing?.start('lost too', { kind: 'internal' }).end()
  await tracing?.[Symbol.asyncDispose]()
  expect(warnings()).toHaveLength(1)
})

it('heeds what the caller decided, else the share', async () => {
  const options = { name: 'test', logger: recordingLogger().logger }
  const env = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }
  await using tracing = await openTracing(configOf(env), options)
  const incoming = (traceparent: string) => tracing?.incoming(name => (name === 'traceparent' ? traceparent : undefined))
  const ids = `${'a'.repeat(32)}-${'b'.repeat(16)}`
  const parented = tracing?.start('a', { kind: 'server', parent: incoming(`00-${ids}-01`) }).spanContext()
  expect(traceparentOf(parented)).toMatch(new RegExp(`^00-${'a'.repeat(32)}-[0-9a-f]{16}-01$`))
  expect(traceparentOf(tracing?.start('a', { kind: 'server', parent: incoming(`00-${ids}-00`) }).spanContext())).toBeUndefined()
  expect(traceparentOf(tracing?.start('a', { kind: 'server' }).spanContext())).toBeUndefined()
  expect(incoming('nonsense')).toBeUndefined()
})

async function listening(listener: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

import { blake3, catalogue, type NewEvent } from '@artifact-store/core'
import {
  createBell,
  defaultStreamName,
  eventSource,
  openJetStream,
  openPostgresLog,
  postgresLogReader,
  runRelay,
} from '@artifact-store/log'
import { type RunningSystem, randomHistory, startSystem, startTestNats } from '@artifact-store/testkit'
import specs from '@asyncapi/specs'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { connect } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asyncApiDocument } from '../src/asyncapi.ts'
import { apiOf } from './api.ts'
import { openStream } from './open-stream.ts'

interface Document {
  readonly channels: Record<
    'nats' | 'stream',
    {
      readonly address: string
      readonly messages: Record<string, { readonly $ref: string }>
      readonly parameters?: Record<string, { readonly enum?: readonly string[] }>
    }
  >
  readonly operations: Record<'publishEvents' | 'streamEvents', { readonly messages: readonly { readonly $ref: string }[] }>
  readonly components: { readonly messages: Record<string, { readonly headers?: object; readonly payload?: object }> }
}

const document = asyncApiDocument('0.0.0') as Document

function validator(): Ajv {
  // The document is more than schemas, so not every word in it is one of JSON Schema; but formats must be known.
  const ajv = new Ajv({ strict: false, allErrors: true, logger: { ...console, warn: fail } })
  addFormats.default(ajv)
  return ajv
}

function fail(message: string): never {
  throw new Error(message)
}

describe('the AsyncAPI document', () => {
  it('is one, by the schema of AsyncAPI 3.0', () => {
    const ajv = validator()
    const isOne = ajv.compile(specs.schemasWithoutId['3.0.0'] as object)
    isOne(structuredClone(document))
    expect(isOne.errors).toBeNull()
  })

  it('refers only to what is in it', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)].map(match => match[1] ?? '')
    expect(references.length).toBeGreaterThan(100)
    for (const pointer of new Set(references)) {
      const found = pointer
        .split('/')
        .slice(1)
        .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document)
      expect(found, pointer).toBeTypeOf('object')
    }
  })

  it('has every type of the catalogue in each channel, and each message of a channel in its operation', () => {
    const types = Object.keys(catalogue)
    expect(Object.keys(document.channels.nats.messages)).toEqual([...types, 'other', 'elsewhere'])
    expect(Object.keys(document.channels.stream.messages)).toEqual([...types, 'other'])
    expect(document.operations.publishEvents.messages).toHaveLength(types.length + 2)
    expect(document.operations.streamEvents.messages).toHaveLength(types.length + 1)
  })
})

describe('what is really sent', () => {
  let system: RunningSystem
  const stack = new AsyncDisposableStack()
  beforeAll(async () => {
    system = stack.use(await startSystem())
    const log = openPostgresLog(system.database.poolFor('log_writer'))
    const payloadJson = JSON.stringify({ text: 'x'.repeat(20_000) })
    const about = { eventType: 'v1.comet.weighed', subjectKind: 'comet', subjectId: 'h', actor: 'x', payloadJson }
    const events = [...randomHistory({ seed: 23, length: 1500 }), { ...about, payloadDigest: blake3(payloadJson) }]
    for (let i = 0; i < events.length; i += 300) {
      const [first, ...others] = events.slice(i, i + 300)
      await log.append({ key: `${i}`, conditions: [], events: [first as NewEvent, ...others] })
    }
  })
  afterAll(() => stack.disposeAsync())

  /** Those messages of a channel that this could be. */
  function matcher(channel: 'nats' | 'stream') {
    const ajv = validator().addSchema(document, 'asyncapi.json')
    const schemas = Object.entries(document.channels[channel].messages).map(([name, { $ref }]) => {
      const message = document.components.messages[$ref.replace('#/components/messages/', '')] ?? {}
      const schemaOf = (part: 'headers' | 'payload') => ajv.compile(message[part] ? { $ref: `asyncapi.json${$ref}/${part}` } : {})
      return { name, headers: schemaOf('headers'), payload: schemaOf('payload') }
    })
    return (headers: object, payload: unknown) =>
      schemas.filter(schema => schema.headers(headers) && schema.payload(payload)).map(({ name }) => name)
  }

  it('over NATS is one of its messages, and only one, at an address as it says', { timeout: 60_000 }, async () => {
    await using nats = await startTestNats({ maxPayload: 16 * 1024 })
    const { host, username, password } = new URL(nats.url)
    const connection = await connect({ servers: host, user: username, pass: password })
    stack.defer(() => connection.close())
    const log = postgresLogReader(system.database.pool)
    const head = await log.head()
    const stop = new AbortController()
    await using stream = openJetStream({ connection, source: eventSource })
    const relaying = runRelay({ log, stream, bell: createBell(), signal: stop.signal })
    const manager = await connection.jetstreamManager()
    await expect
      .poll(async () => (await manager.streams.info(defaultStreamName).catch(() => undefined))?.state.last_seq, {
        timeout: 20_000,
      })
      .toBe(head)
    stop.abort()
    await relaying

    const matching = matcher('nats')
    const seen = new Set<string>()
    const { address, parameters = {} } = document.channels.nats
    const addresses = new RegExp(`^${address.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, (_, name) => `(?<${name}>[^.]+)`)}$`)
    const consumer = await connection.jetstream().consumers.get(defaultStreamName)
    for await (const message of await consumer.consume()) {
      const headers = Object.fromEntries(message.headers?.keys().map(name => [name, message.headers?.get(name)]) ?? [])
      const names = matching(headers, message.data.length === 0 ? undefined : message.json())
      expect(names, JSON.stringify(headers)).toHaveLength(1)
      seen.add(names[0] ?? '')
      const { noun = '', verb = '' } = addresses.exec(message.subject)?.groups ?? {}
      if (names[0] !== 'other' && names[0] !== 'elsewhere') {
        expect(parameters['noun']?.enum).toContain(noun)
        expect(parameters['verb']?.enum).toContain(verb)
      }
      if (message.seq === head) break
    }
    expect(seen).toEqual(new Set(Object.keys(document.channels.nats.messages)))
  })

  it('over the server-sent stream is one of its messages, and only one', { timeout: 60_000 }, async () => {
    const stream = await openStream(system.gateway.url, system.token)
    const blocks = await stream.until(block => block['id'] !== undefined && block['data'] === undefined)
    stream.close()
    const matching = matcher('stream')
    const seen = new Set<string>()
    for (const { data } of blocks) {
      if (data === undefined) continue
      const names = matching({}, JSON.parse(data))
      expect(names, data).toHaveLength(1)
      seen.add(names[0] ?? '')
    }
    expect(seen).toEqual(new Set(Object.keys(document.channels.stream.messages)))
  })

  it('is described to everyone, beside the OpenAPI document', async () => {
    const api = apiOf(system)
    const answer = await api.call('GET', '/asyncapi.json', { token: null })
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual(JSON.parse(JSON.stringify({ ...document, info: { ...answer.json.info } })))
    expect((await api.call('GET', '/openapi.json', { token: null })).json.paths).toHaveProperty('/asyncapi.json')
  })
})

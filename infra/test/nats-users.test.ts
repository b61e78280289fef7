import { makeEvent, type RecordedEvent } from '@artifact-store/core'
import { defaultStreamName, openJetStream } from '@artifact-store/log'
import { connect, Events, type NatsConnection } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DeployedNats, type Login, startDeployedNats } from './deployed-nats.ts'

let nats: DeployedNats
beforeAll(async () => {
  nats = await startDeployedNats()
  await using stream = await openAsRelay()
  await stream.replace(undefined, 1)
  expect(await stream.publish(events)).toBe('accepted')
})
afterAll(() => nats[Symbol.asyncDispose]())

const events = [recorded(1), recorded(2), recorded(3)] as const
const eventSubject = 'artifact-store.events.package.discarded.p'
const stream = `$JS.API.STREAM`
const consumer = '$JS.API.CONSUMER'

describe('a broker as docker compose runs it', () => {
  it('takes nobody without a login, or with a wrong password', async () => {
    await expect(connect({ servers: nats.address, reconnect: false })).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' })
    for (const user of ['relay', 'subscriber', 'admin', 'sys'])
      await expect(connect({ servers: nats.address, user, pass: 'x', reconnect: false })).rejects.toMatchObject({
        code: 'AUTHORIZATION_VIOLATION',
      })
  })

  it('lets the log-writer make the stream, publish to it, and compare it with the log', async () => {
    await using relay = await openAsRelay()
    expect(await relay.look()).toMatchObject({ firstSequence: 1, lastSequence: 3 })
    expect(await relay.headersAt(2)).toMatchObject({ 'ce-sequence': '2' })
    expect([...(await relay.headersBetween(1, 3)).keys()]).toEqual([1, 2, 3])
    const look = await relay.look()
    await relay.replace(look, 1)
    expect(await relay.publish(events)).toBe('accepted')
  })

  it('lets a subscriber follow the stream from any position, and look at single events', async () => {
    const connection = await nats.as('subscriber')
    const follower = await connection.jetstream().consumers.get(defaultStreamName, { opt_start_seq: 2 })
    const seen: number[] = []
    for await (const message of await follower.consume()) {
      seen.push(message.seq)
      if (seen.length === 2) break
    }
    expect(seen).toEqual([2, 3])
    const manager = await connection.jetstreamManager({ checkAPI: false })
    expect((await manager.streams.getMessage(defaultStreamName, { seq: 1 })).header.get('ce-type')).toBe('v1.package.discarded')
  })

  it.each(['projector', 'gateway'] as const)('lets the %s hear that something was published', async login => {
    const listener = await nats.as(login)
    const heard = listener.subscribe('artifact-store.events.>', { max: 1 })
    await listener.flush()
    const relay = await nats.as('log-writer')
    // With a number that it cannot have, so that the stream stays as it is: who listens hears it all the same.
    await expect(relay.jetstream().publish(eventSubject, '{}', { expect: { lastSequence: 99 } })).rejects.toThrow(
      'wrong last sequence',
    )
    for await (const { subject } of heard) expect(subject).toBe(eventSubject)
    expect(heard.getReceived()).toBe(1)
  })

  const readers = ['projector', 'gateway', 'subscriber'] as const
  const everyone = ['log-writer', ...readers] as const
  const mayNotPublish: readonly (readonly [Login, string])[] = [
    ...readers.map(login => [login, eventSubject] as const),
    ...readers.flatMap(login => ['CREATE', 'DELETE'].map(verb => [login, `${stream}.${verb}.${defaultStreamName}`] as const)),
    ...everyone.flatMap(login =>
      ['UPDATE', 'PURGE', 'MSG.DELETE', 'SNAPSHOT'].map(verb => [login, `${stream}.${verb}.${defaultStreamName}`] as const),
    ),
    ...everyone.map(login => [login, `${stream}.CREATE.ANOTHER`] as const),
    ...everyone.map(login => [login, `${consumer}.CREATE.ANOTHER.c`] as const),
    ...everyone.map(login => [login, '$SYS.REQ.SERVER.PING'] as const),
    ...everyone.map(login => [login, '_INBOX.of.another'] as const),
    ...(['projector', 'gateway'] as const).flatMap(login => [
      [login, `${stream}.INFO.${defaultStreamName}`] as const,
      [login, `${consumer}.CREATE.${defaultStreamName}.c`] as const,
    ]),
  ]

  it.each(mayNotPublish)('refuses that the %s publishes to %s', async (login, subject) => {
    const connection = await nats.as(login)
    expect(await refusal(connection, () => connection.publish(subject, '{}'))).toMatchObject({ operation: 'publish', subject })
  })

  it.each([
    ['log-writer', '$SYS.>'],
    ['log-writer', '>'],
    ['projector', '_INBOX.>'],
    ['projector', '>'],
    ['gateway', '_INBOX.>'],
    ['gateway', '$JS.>'],
    ['subscriber', '>'],
    ['subscriber', '$JS.>'],
  ] as const)('refuses that the %s listens to %s', async (login, subject) => {
    const connection = await nats.as(login)
    const refused = await refusal(connection, () => void connection.subscribe(subject, { callback: () => undefined }))
    expect(refused).toMatchObject({ operation: 'subscription', subject })
  })

  it('has the same stream after all that', async () => {
    await using relay = await openAsRelay()
    expect(await relay.look()).toMatchObject({ firstSequence: 1, lastSequence: 3, messages: 3 })
  })
})

async function openAsRelay() {
  return openJetStream({ source: '/artifact-store', url: await nats.url('log-writer') })
}

/** What the server says of something that it does not take. */
async function refusal(connection: NatsConnection, attempt: () => void): Promise<unknown> {
  const status = connection.status()[Symbol.asyncIterator]()
  attempt()
  for (;;) {
    const { done, value } = await status.next()
    if (done) throw new Error('the connection was closed')
    if (value.type === Events.Error) return value.permissionContext
  }
}

function recorded(sequence: number): RecordedEvent {
  const event = makeEvent({ type: 'v1.package.discarded', subjectId: 'p', actor: 'ci', payload: {} })
  return { ...event, sequence, subjectRevision: sequence, createdAt: new Date(1_700_000_000_000) }
}

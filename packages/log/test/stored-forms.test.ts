import { canonicalEnvelope } from '@artifact-store/core'
import { ceHeaders, eventSource, natsSubject, openPostgresLog, toCloudEvent } from '@artifact-store/log'
import { createTestDatabase, insertEvents, readStoredLog, storedVersions } from '@artifact-store/testkit'
import { describe, expect, it } from 'vitest'
import { at, consume, type Received, startRelay } from './relay-world.ts'
import { startBroker } from './test-broker.ts'

// Others have these on disk and compare: what a release has said once, every later one says of the same event.
describe.each(storedVersions())('an event of %s', version => {
  const { events, forms } = readStoredLog(version)
  const known = forms.map(form => ({ form, event: events[form.sequence - 1] ?? expect.fail(`no event ${form.sequence}`) }))

  it('is kept in its forms for every type that it wrote', () => {
    expect(new Set(known.map(({ event }) => event.eventType))).toEqual(new Set(events.map(event => event.eventType)))
  })

  it.each(known.map(one => [one.event.eventType, one.form.sequence, one] as const))(
    'has the forms that it had then: %s, event %i',
    (_, __, { event, form }) => {
      expect(canonicalEnvelope(event)).toBe(form.envelope)
      expect(toCloudEvent(event, eventSource)).toEqual(form.cloudEvent)
      expect({ subject: natsSubject(event), headers: ceHeaders(event, eventSource) }).toEqual(form.nats)
    },
  )

  it('goes through NATS as it did then', async () => {
    const messages = await relayed(undefined)
    for (const { event, form } of known) {
      const message = messages[form.sequence - 1] ?? expect.fail(`no message ${form.sequence}`)
      expect(ofTheEvent(message)).toEqual({ sequence: form.sequence, ...form.nats, body: event.payloadJson })
    }
  })

  it('refers to its payload as it did then, where the broker does not take it', async () => {
    const referring = (await relayed(smallBroker)).filter(({ headers }) => Object.hasOwn(headers, 'ce-dataref'))
    expect(referring.length).toBeGreaterThan(0)
    for (const { sequence, headers, body } of referring) {
      expect({ body, dataRef: headers['ce-dataref'] }).toEqual({ body: '', dataRef: `/v1/events?after=${sequence - 1}&limit=1` })
    }
  })

  /** All of the log, through a real relay and a real broker. */
  async function relayed(maxPayload: number | undefined): Promise<Received[]> {
    await using database = await createTestDatabase()
    await insertEvents(database.pool, events)
    await using broker = await startBroker(maxPayload === undefined ? {} : { maxPayload })
    await using relay = startRelay(broker, openPostgresLog(database.poolFor('log_writer')))
    await relay.until(at(events.length))
    await using connection = await broker.connect()
    return await consume(connection)
  }
})

/** The largest message in bytes: less than a payload of a thousand files, and more than any headers. */
const smallBroker = 8192

/** Without what is between the relay and the broker. */
function ofTheEvent({ headers, ...message }: Received): Received {
  return { ...message, headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('ce-'))) }
}

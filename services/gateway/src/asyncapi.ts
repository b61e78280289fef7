import type { EventDefinition } from '@artifact-store/core'
import { defaultStreamName, defaultSubjectPrefix, natsSubject } from '@artifact-store/log'
import { z } from 'zod'
import {
  envelopeOf,
  envelopeSchema,
  headersSchema,
  type JsonSchema,
  payloadSchemas,
  releasedEvents,
} from './events/event-schemas.ts'
import { listEventsRoute } from './routes/list-events.ts'

const schemas = '#/components/schemas'
const messages = '#/components/messages'

/**
 * The AsyncAPI 3.0 document of the events, made from the catalogue of their types. It describes the store: what it sends, a subscriber
 * receives. Every message that it sends is one of those that its channel names, and only one.
 */
export function asyncApiDocument(version: string): object {
  const events = releasedEvents()
  const overNats = { ...named(events, natsMessage), other: otherOverNats(events), elsewhere: elsewhereOverNats }
  const overHttp = { ...named(events, streamMessage), other: otherInStream(events) }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'artifact-store events',
      version,
      description:
        'Everything that happens in an artifact store, as CloudEvents 1.0, each under one number: its `sequence` is its position in the log, in the ' +
        'JetStream stream and in the server-sent stream. `/openapi.json` describes the calls.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { nats: natsServer, gateway: gatewayServer },
    channels: {
      nats: {
        address: `${defaultSubjectPrefix}.{noun}.{verb}.{subject}`,
        title: 'Events over NATS',
        description: `JetStream stream \`${defaultStreamName}\`, whose sequence is the log's: a consumer that starts at a sequence misses nothing. Binary mode.`,
        servers: [{ $ref: '#/servers/nats' }],
        parameters: subjectParameters(events),
        messages: references(overNats, `${messages}/nats.`),
      },
      stream: {
        address: listEventsRoute.path,
        title: 'Events as a server-sent stream',
        description:
          'With `Accept: text/event-stream`. `id:` is the sequence, `event:` the type, `data:` a CloudEvent in the JSON format; `Last-Event-ID` resumes. ' +
          'An `id:` without data says that everything that is asked for up to it has been sent.',
        servers: [{ $ref: '#/servers/gateway' }],
        messages: references(overHttp, `${messages}/stream.`),
      },
    },
    operations: {
      publishEvents: {
        action: 'send',
        title: 'Publish every event to NATS, in the order of the log',
        channel: { $ref: '#/channels/nats' },
        messages: Object.values(references(overNats, '#/channels/nats/messages/')),
      },
      streamEvents: {
        action: 'send',
        title: 'Send what a client asks for, from where it asks for it',
        channel: { $ref: '#/channels/stream' },
        messages: Object.values(references(overHttp, '#/channels/stream/messages/')),
        bindings: { http: { method: 'GET', query: querySchema(), bindingVersion: '0.3.0' } },
      },
    },
    components: {
      securitySchemes: {
        nats: { type: 'userPassword', description: 'As the broker is configured' },
        token: { type: 'http', scheme: 'bearer', description: 'A token with the scope `read`' },
      },
      messages: { ...prefixed('nats.', overNats), ...prefixed('stream.', overHttp) },
      schemas: {
        CloudEvent: envelopeSchema(),
        Headers: headersSchema(),
        ...Object.assign({}, ...events.map(event => payloadSchemas(event, schemas))),
      },
    },
  }
}

const natsServer = {
  host: '{host}',
  protocol: 'nats',
  description: 'NATS 2.10 or later with JetStream. It is optional, and may be away: the log has everything',
  variables: { host: { default: '127.0.0.1:4222', description: 'Address and port' } },
  security: [{ $ref: '#/components/securitySchemes/nats' }],
}

const gatewayServer = {
  host: '{host}',
  protocol: 'http',
  description: 'The gateway; https where a proxy in front of it speaks that',
  variables: { host: { default: '127.0.0.1:8080', description: 'Address and port' } },
  security: [{ $ref: '#/components/securitySchemes/token' }],
}

function natsMessage(event: EventDefinition): object {
  const { type, subject } = envelopeOf(event)
  return {
    ...introduction(event),
    contentType: 'application/json',
    headers: headersWith({ 'ce-type': type, 'ce-subject': subject }),
    payload: { $ref: `${schemas}/${event.type}` },
  }
}

function streamMessage(event: EventDefinition): object {
  return {
    ...introduction(event),
    contentType: 'application/cloudevents+json',
    payload: cloudEventWith({ ...envelopeOf(event), data: { $ref: `${schemas}/${event.type}` } }),
  }
}

function introduction({ type, meaning, subject }: EventDefinition) {
  return { name: type, title: type, summary: meaning, description: `About a subject of the kind \`${subject}\`.` }
}

/** Whoever reads a log that a newer version has written to passes over what it does not know. */
const ofAnotherVersion = { name: 'other', title: 'A type that this version does not know', summary: 'Written by another version' }

function otherOverNats(events: readonly EventDefinition[]): object {
  return {
    ...ofAnotherVersion,
    contentType: 'application/json',
    headers: headersWith({ 'ce-type': noneOf(events) }),
    payload: { type: 'object' },
  }
}

function otherInStream(events: readonly EventDefinition[]): object {
  return { ...ofAnotherVersion, contentType: 'application/cloudevents+json', payload: cloudEventWith({ type: noneOf(events) }) }
}

const elsewhereOverNats = {
  name: 'elsewhere',
  title: 'An event whose payload is too large for the broker',
  summary: 'Its body is empty; `ce-dataref` says where the gateway has it',
  headers: {
    allOf: [
      { $ref: `${schemas}/Headers` },
      {
        properties: { 'ce-dataref': { type: 'string', format: 'uri-reference', description: 'Relative to the gateway' } },
        required: ['ce-dataref'],
      },
    ],
  },
}

function headersWith(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { allOf: [{ $ref: `${schemas}/Headers` }, { properties, not: { required: ['ce-dataref'] } }] }
}

function cloudEventWith(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { allOf: [{ $ref: `${schemas}/CloudEvent` }, { properties }] }
}

function noneOf(events: readonly EventDefinition[]): JsonSchema {
  return { not: { enum: events.map(({ type }) => type) } }
}

function subjectParameters(events: readonly EventDefinition[]): object {
  const tokens = events.map(({ type }) => natsSubject({ eventType: type, subjectId: 'x' }, '').split('.'))
  const distinct = (index: number) => [...new Set(tokens.map(token => token[index] ?? ''))]
  return {
    noun: { description: 'What the event is named after', enum: distinct(1) },
    verb: { description: 'What happened to it', enum: distinct(2) },
    subject: {
      description:
        'The id of the subject: letters, digits, `_` and `-` as they are, every other byte of its UTF-8 as `=` and two hex digits; of an id that would be ' +
        'longer than 255 characters, `==` and its BLAKE3',
      examples: ['01a20604-1cb1-7ac9-9858-000b7dc055d6', 'blake3=3Af5'],
    },
  }
}

function querySchema(): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(listEventsRoute.query ?? z.object({}), {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
  })
  return schema
}

function named(events: readonly EventDefinition[], make: (event: EventDefinition) => object): Record<string, object> {
  return Object.fromEntries(events.map(event => [event.type, make(event)]))
}

function prefixed(prefix: string, of: Readonly<Record<string, object>>): Record<string, object> {
  return Object.fromEntries(Object.entries(of).map(([name, one]) => [`${prefix}${name}`, one]))
}

function references(of: Readonly<Record<string, object>>, place: string): Record<string, { $ref: string }> {
  return Object.fromEntries(Object.keys(of).map(name => [name, { $ref: `${place}${name}` }]))
}

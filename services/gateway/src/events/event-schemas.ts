import { catalogue, type EventDefinition, releasedDefinition } from '@artifact-store/core'
import type { CloudEvent } from '@artifact-store/log'
import { z } from 'zod'

/** A JSON Schema (draft 7, which is what AsyncAPI takes without being told). */
export type JsonSchema = Readonly<Record<string, unknown>>

const natural: JsonSchema = { type: 'string', pattern: '^[1-9][0-9]{0,15}$' }

/** What every event says of itself, by the names that CloudEvents and its extensions give it. */
const attributes = {
  specversion: { type: 'string', const: '1.0' },
  id: { ...natural, description: 'The sequence. With `source` it names the event' },
  source: { type: 'string', format: 'uri-reference' },
  type: { type: 'string' },
  subject: { type: 'string', description: 'What it is about: `<kind>/<id>`' },
  time: {
    type: 'string',
    format: 'date-time',
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$',
    description: 'When it was appended; never earlier than that of the event before',
  },
  datacontenttype: { type: 'string', const: 'application/json' },
  sequence: { ...natural, description: 'The position in the log: 1, 2, 3 and so on without a gap, in the order of commits' },
  subjectrevision: {
    type: 'integer',
    minimum: 1,
    description: "The position among the subject's own events: 1, 2, 3 without a gap",
  },
  actor: { type: 'string', description: 'Who did it, as the token says' },
  payloaddigest: { type: 'string', pattern: '^[0-9a-f]{64}$', description: 'BLAKE3 of the RFC 8785 form of `data`' },
} as const satisfies Record<Exclude<keyof CloudEvent, 'data'>, JsonSchema>

/** The definition of every type that was ever released, older versions first: the log keeps them all. */
export function releasedEvents(): EventDefinition[] {
  return Object.keys(catalogue).flatMap(newest => {
    const [version = 'v1', ...name] = newest.split('.')
    const versions = Array.from({ length: Number(version.slice(1)) }, (_, i) => [`v${i + 1}`, ...name].join('.'))
    return versions.flatMap(type => releasedDefinition(type) ?? [])
  })
}

/**
 * The schema of a payload, and those that it refers to (as a list of JSON values does to itself), all by names that begin with the type.
 * @param place where they will be in a document, e.g. `#/components/schemas`.
 */
export function payloadSchemas({ type, payload }: EventDefinition, place: string): Record<string, JsonSchema> {
  const {
    $schema: _,
    definitions = {},
    ...schema
  } = z.toJSONSchema(payload, {
    target: 'draft-7',
    unrepresentable: 'any',
    override({ jsonSchema }) {
      // A check of zod's, of which the pattern tells; JSON Schema knows no such format.
      if (jsonSchema.format === 'lowercase') delete jsonSchema.format
    },
  })
  const all = Object.fromEntries([
    [type, schema],
    ...Object.entries(definitions as object).map(([name, definition]) => [`${type}.${name}`, definition]),
  ])
  return JSON.parse(JSON.stringify(all).replaceAll('"$ref":"#/definitions/', `"$ref":"${place}/${type}.`))
}

/** The JSON format of CloudEvents (structured mode), without its `data`. */
export function envelopeSchema(): JsonSchema {
  return {
    type: 'object',
    description: 'A CloudEvent 1.0; the last four attributes are extensions',
    properties: { ...attributes, data: { type: 'object' } },
    required: [...Object.keys(attributes), 'data'],
  }
}

/** Of a message alone, and of it only while traces are recorded: the log does not know it. */
const traceparent: JsonSchema = {
  type: 'string',
  pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$',
  description: 'Where whoever wrote it is in a trace, if that is recorded (the extension of CloudEvents for distributed tracing)',
}

/** What is particular to the envelope of one type: its name, and what it is about. */
export function envelopeOf({ type, subject }: EventDefinition): Record<'type' | 'subject', JsonSchema> {
  return { type: { const: type }, subject: { type: 'string', pattern: `^${subject}/` } }
}

/** The headers of binary mode: every attribute as text, percent-encoded. */
export function headersSchema(): JsonSchema {
  const names = Object.keys(attributes).map(name => `ce-${name}`)
  const texts = Object.entries({
    ...attributes,
    subjectrevision: { ...natural, description: attributes.subjectrevision.description },
  })
  return {
    type: 'object',
    description: 'CloudEvents 1.0 in binary mode; values are percent-encoded UTF-8',
    properties: { ...Object.fromEntries(texts.map(([name, schema]) => [`ce-${name}`, schema])), 'ce-traceparent': traceparent },
    required: names,
  }
}

import type { ErrorKind } from '@artifact-store/core'
import { problems, problemType } from '@artifact-store/service'
import { z } from 'zod'
import type { Route } from './route.ts'

/** What any call may be refused with. */
const everyCall: readonly ErrorKind[] = [
  'unauthenticated',
  'forbidden',
  'invalid-request',
  'headers-too-large',
  'request-timeout',
  'too-many-requests',
  'internal',
]

/** The OpenAPI 3.1 document of the routes, made from what they are mounted with. */
export function openApiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const item = paths[route.path] ?? {}
    item[route.method] = operation(route)
    paths[route.path] = item
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'artifact-store',
      version,
      summary: 'A generic artifact registry and storage gateway',
      description:
        'Every write answers with `Artifact-Position`, its place in the log, once reads show it; with `Prefer: respond-async` it may answer before they do. Any read may carry `Artifact-Min-Position` to see at ' +
        'least that much. Errors are problem documents (RFC 9457) whose `type` tells the kind.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths: { ...paths, ...openPaths },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'A token with the scope that the call names' } },
      schemas: { Problem: problemSchema },
    },
  }
}

function operation(route: Route): object {
  return {
    operationId: route.id,
    summary: route.summary,
    description: [route.description, `Needs the scope \`${route.scope}\`.`].filter(Boolean).join(' '),
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...Object.entries(route.headers ?? {}).map(([name, description]) => ({
        name,
        in: 'header',
        required: false,
        description,
        schema: { type: 'string' },
      })),
    ],
    ...(route.body ? { requestBody: requestBody(route.body) } : {}),
    responses: { ...answers(route), ...refusals([...route.problems, ...everyCall]) },
  }
}

function parameters(schema: z.ZodObject | undefined, place: 'path' | 'query'): object[] {
  return Object.entries(schema?.shape ?? {}).map(([name, field]) => {
    const { description, ...rest } = jsonSchema(field as z.ZodType, 'input')
    const required = place === 'path' || !(field as z.ZodType).safeParse(undefined).success
    return { name, in: place, required, ...(description ? { description } : {}), schema: rest }
  })
}

function requestBody(body: NonNullable<Route['body']>): object {
  if (body.kind === 'bytes') {
    return {
      required: !body.optional,
      description: body.description,
      content: { '*/*': { schema: { type: 'string', contentMediaType: 'application/octet-stream' } } },
    }
  }
  const other = body.or && {
    [body.or.mediaType]: { schema: { type: 'string', contentMediaType: body.or.mediaType, description: body.or.description } },
  }
  return { required: !body.optional, content: { 'application/json': { schema: jsonSchema(body.schema, 'input') }, ...other } }
}

function answers(route: Route): Record<string, object> {
  return Object.fromEntries(
    Object.entries(route.answers).map(([status, answer]) => {
      const headers = Object.entries(answer.headers ?? {}).map(([name, description]) => [
        name,
        { description, schema: { type: 'string' } },
      ])
      const schema = answer.schema
        ? jsonSchema(answer.schema, 'output')
        : { type: 'string', contentMediaType: 'application/octet-stream' }
      const mediaType = answer.mediaType ?? (answer.schema ? 'application/json' : undefined)
      return [
        status,
        {
          description: answer.description,
          ...(headers.length > 0 ? { headers: Object.fromEntries(headers) } : {}),
          ...(mediaType ? { content: { [mediaType]: { schema }, ...otherForm(answer) } } : {}),
        },
      ]
    }),
  )
}

function otherForm({ or }: Route['answers'][number]): Record<string, object> {
  return or ? { [or.mediaType]: { schema: jsonSchema(or.schema, 'output') } } : {}
}

/** The problems of a call by their status, as one answer each. */
function refusals(kinds: readonly ErrorKind[]): Record<string, object> {
  const byStatus = Map.groupBy(new Set(kinds), kind => problems[kind].status)
  return Object.fromEntries(
    [...byStatus].map(([status, members]) => [
      status,
      {
        description: members.map(kind => `\`${problemType(kind)}\`: ${problems[kind].title}`).join('. '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  )
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

const problemSchema = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What was wrong, where, and what to do' },
    requestId: { type: 'string' },
  },
  additionalProperties: true,
}

const plain = (description: string) => ({ 200: { description } })

/** What needs no token. */
const openPaths = {
  '/health': {
    get: {
      operationId: 'getHealth',
      summary: 'Is it well, and what is not?',
      security: [],
      responses: { ...plain('It is'), 503: { description: 'It is not' } },
    },
  },
  '/health/live': {
    get: { operationId: 'getLiveness', summary: 'Does the process live?', security: [], responses: plain('It does') },
  },
  '/health/ready': {
    get: {
      operationId: 'getReadiness',
      summary: 'Can it serve?',
      security: [],
      responses: { ...plain('It can'), 503: { description: 'It cannot; the body says which part is missing' } },
    },
  },
  '/metrics': {
    get: {
      operationId: 'getMetrics',
      summary: 'Metrics in the Prometheus text format',
      security: [],
      responses: plain('The metrics'),
    },
  },
  '/openapi.json': {
    get: { operationId: 'getOpenApi', summary: 'This document', security: [], responses: plain('This document') },
  },
  '/asyncapi.json': {
    get: {
      operationId: 'getAsyncApi',
      summary: 'The AsyncAPI document of the events',
      security: [],
      responses: plain('The document'),
    },
  },
}

import { z } from 'zod'
import { examineStore } from '../check/examine-store.ts'
import { ndjsonType } from '../http/ndjson-answer.ts'
import { defineRoute } from '../route.ts'

const part = z.enum(['log', 'blobs', 'references'])

export const examineStoreRoute = defineRoute({
  method: 'get',
  path: '/v1/admin/examination',
  id: 'examineStore',
  summary: 'Look whether the log is whole, and everything that it names is there',
  description:
    'Reads the whole log: its numbers have no gap, and every payload the digest that was recorded. Then every blob is looked for in the backend, and with `bytes=true` read and hashed; ' +
    'and every file of every package has to be one of them. Answered with a line of JSON for each finding as it is made, one now and then that says how far it is, and a last one that has ' +
    '`done`, without which the answer is not complete. Nothing is changed, and memory does not grow with what is stored. Whether the views are what the log says is for a verification ' +
    '(`POST /v1/admin/views/tasks`).',
  scope: 'admin',
  query: z.object({
    bytes: z
      .enum(['true', 'false'])
      .default('false')
      .describe('Whether every byte is read, which takes as long as reading all of it takes'),
  }),
  answers: {
    200: {
      description: 'What was found',
      mediaType: ndjsonType,
      schema: z.union([
        z.object({
          kind: z.literal('finding'),
          part,
          at: z.string().describe('A sequence, a digest, or a package and a path'),
          says: z.string(),
        }),
        z.object({
          kind: z.literal('progress'),
          part,
          done: z.int().describe('Events, blobs or files that were looked at'),
          bytes: z.int().describe('Bytes that were read of blobs'),
        }),
        z.object({
          done: z.literal(true),
          head: z.int().describe('The last event that was looked at'),
          events: z.int(),
          blobs: z.int(),
          files: z.int(),
          bytes: z.int(),
          findings: z.int(),
          problem: z.looseObject({}).optional().describe('Why it could not be finished'),
        }),
      ]),
    },
  },
  problems: ['log-unavailable', 'backend-unavailable'],
  async handle({ c, gateway, query, signal }) {
    return examineStore({ c, gateway, readBytes: query.bytes === 'true', signal: AbortSignal.any([signal, gateway.stopping]) })
  },
})

import { z } from 'zod'
import { ndjsonType } from '../http/ndjson-answer.ts'
import { defineRoute } from '../route.ts'
import { answerMigration } from '../stores/answer-migration.ts'
import { findStore } from '../stores/named-store.ts'

const soFar = {
  blobs: z.int().describe('Blobs of the source that were come by'),
  bytes: z.int().describe('Their bytes'),
  copied: z.int().describe('Those that the target did not have'),
  copiedBytes: z.int(),
  removed: z.int().describe('Those that were removed from the source'),
  damaged: z.int().describe('Those that are damaged, and were left where they are'),
}

const store = z.string().min(1).max(2000)

export const migrateBackendsRoute = defineRoute({
  method: 'post',
  path: '/v1/backends/migrate',
  id: 'migrateBackends',
  summary: 'Copy or move the blobs of one backend into another',
  description:
    'Both are named as `GET /v1/backends` names them, by name or address. Every blob that the target has not, or has with another size, is copied, and proven by its digest on its way. ' +
    'With `remove`, each is then read again, whole, from the target, and removed from the source when it has its digest there; the source has to be an older store. ' +
    'Reads and writes go on meanwhile. Answered with a line of JSON for each blob that is damaged, one now and then that says how far it is, and a last one that has `done`, without which ' +
    'the answer is not complete. It stops when the client goes away. What was copied stays, so the same request goes on behind it. One at a time runs in all gateways of a deployment.',
  scope: 'admin',
  body: {
    kind: 'json',
    schema: z.strictObject({
      from: store.describe('The source'),
      to: store.describe('The target'),
      remove: z.boolean().default(false).describe('Whether what was proven to be in the target is removed from the source'),
    }),
  },
  answers: {
    200: {
      description: 'What was done',
      mediaType: ndjsonType,
      schema: z.union([
        z.object({
          kind: z.literal('damaged'),
          digest: z.string(),
          store: z.string().describe('The name of the store that has not the bytes that it should have'),
        }),
        z.object({
          kind: z.literal('progress'),
          ...soFar,
          fraction: z.number().describe('About how much of the work is done, 0 to 1'),
        }),
        z.object({
          done: z.literal(true),
          from: z.string().describe('The name of the source'),
          to: z.string().describe('The name of the target'),
          ...soFar,
          problem: z.looseObject({}).optional().describe('Why it could not be finished'),
        }),
      ]),
    },
  },
  problems: ['stores-busy', 'backend-unavailable', 'storage-full'],
  async handle({ c, gateway, body, signal }) {
    return answerMigration(c, gateway.migrateBlobs, {
      from: findStore(gateway.stores, body.from),
      to: findStore(gateway.stores, body.to),
      remove: body.remove,
      signal: AbortSignal.any([signal, gateway.stopping]),
    })
  },
})

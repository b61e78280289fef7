import type { ViewTask } from '@artifact-store/views'
import { z } from 'zod'

const digest = z.string().regex(/^blake3:[0-9a-f]{64}$/)
const cell = z.string().nullable()

const comparison = z.object({
  live: digest.describe('The digest of the live views'),
  fresh: digest.describe('That of a fresh replay of the log'),
  tables: z.array(
    z.object({
      table: z.string(),
      live: z.int().describe('How many rows are live'),
      fresh: z.int().describe('How many there should be'),
      missing: z.int().describe('Rows that should be live and are not'),
      extra: z.int().describe('Rows that are live and should not be'),
      different: z.int(),
    }),
  ),
  differences: z
    .array(
      z.object({
        table: z.string(),
        kind: z.enum(['missing', 'extra', 'different']),
        key: z.record(z.string(), z.string()),
        columns: z.array(z.object({ column: z.string(), live: cell, fresh: cell })),
      }),
    )
    .describe('The first hundred rows that differ'),
})

/** A task on the views as a list of them shows it. */
export const viewTaskDocument = z.object({
  id: z.int(),
  kind: z.enum(['rebuild', 'verification']),
  phase: z.enum(['waiting', 'building', 'swapping', 'replaying', 'comparing', 'done', 'failed', 'discarded']),
  workedOn: z.boolean().describe('Whether a projector works on it at this moment'),
  requestedAt: z.iso.datetime(),
  requestedBy: z.string(),
  finishedAt: z.iso.datetime().optional(),
  position: z.int().optional().describe('How far it is; where the new views took over, or where the live ones were compared'),
  error: z.string().optional(),
})

/** And by itself. */
export const viewTaskWithResult = viewTaskDocument.extend({ result: comparison.optional() })

export function toViewTaskDocument(task: ViewTask): z.infer<typeof viewTaskDocument> {
  return {
    id: task.id,
    kind: task.kind,
    phase: task.phase,
    workedOn: task.isWorkedOn,
    requestedAt: task.requestedAt.toISOString(),
    requestedBy: task.requestedBy,
    ...(task.finishedAt === null ? {} : { finishedAt: task.finishedAt.toISOString() }),
    ...(task.position === null ? {} : { position: task.position }),
    ...(task.error === null ? {} : { error: task.error }),
  }
}

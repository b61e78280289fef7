import { archiveStatus } from '@artifact-store/log'
import { z } from 'zod'
import { defineRoute } from '../route.ts'

export const getLogArchiveRoute = defineRoute({
  method: 'get',
  path: '/v1/admin/archive',
  id: 'getLogArchive',
  summary: 'How much of the log is in its archive, and where each partition of it is',
  scope: 'admin',
  answers: {
    200: {
      description: 'The archive of the log',
      schema: z.object({
        head: z.int().describe('The last event of the log'),
        archivedTo: z.int().describe('The last event that is in a segment of the archive; 0 when none is'),
        tableBegins: z.int().describe('Events before this one are read from the archive'),
        segments: z.int(),
        bytes: z.int().describe('Of all segments, as they are stored'),
        partitions: z
          .array(
            z.object({
              firstSequence: z.int().describe('Its first event, by which it is named'),
              lastSequence: z.int(),
              state: z
                .enum(['attached', 'detached', 'dropped'])
                .describe('In the table; archived, its own table kept for a while; archived alone'),
              since: z.iso.datetime().optional(),
            }),
          )
          .describe('From the oldest on'),
      }),
    },
  },
  problems: [],
  async handle({ c, gateway }) {
    const { partitions, ...status } = await archiveStatus(gateway.database)
    // Asked last: it has all that the archive has.
    const head = await gateway.read().head()
    return c.json({
      head,
      ...status,
      partitions: partitions.map(({ since, ...partition }) => ({
        ...partition,
        ...(since === undefined ? {} : { since: since.toISOString() }),
      })),
    })
  },
})

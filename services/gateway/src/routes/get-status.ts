import { leadersNow, version } from '@artifact-store/service'
import { viewsPosition } from '@artifact-store/views'
import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { lookAtLogWriters } from '../status/log-writers.ts'

const logWriter = z.object({
  ready: z.boolean(),
  version: z.string().optional(),
  trouble: z.string().optional().describe('Why nothing is known of it'),
  checks: z
    .record(z.string(), z.object({ ok: z.boolean(), state: z.string().optional(), detail: z.string().optional() }))
    .describe('Its own checks; `relay` tells how the event stream stands'),
})

export const getStatusRoute = defineRoute({
  method: 'get',
  path: '/v1/status',
  id: 'getStatus',
  summary: 'How the whole deployment is, as far as this gateway can tell',
  description:
    'What `artifact doctor` looks at. Everything is asked at this moment, so it costs some queries: for a load balancer there is `/health/ready`, for monitoring `/metrics`.',
  scope: 'read',
  answers: {
    200: {
      description: 'The status',
      schema: z.object({
        version: z.string().describe("The gateway's"),
        now: z.iso.datetime().describe("By the gateway's clock"),
        token: z.object({ actor: z.string(), scopes: z.array(z.string()) }).describe('Who is asking'),
        log: z.object({
          head: z.int().describe('The last event'),
          writers: z.array(logWriter).describe('The preferred one first'),
        }),
        views: z.object({
          position: z.int().describe('The last event that reads show'),
          waitingSince: z.iso.datetime().optional().describe('When the first event was appended that they do not show yet'),
          projectorLeads: z.boolean().describe('Whether any projector moves them'),
        }),
        stream: z.object({ relayLeads: z.boolean().describe('Whether any log-writer relays to NATS') }),
        blobs: z.object({
          trouble: z.string().optional().describe('Why the backend cannot be used at present'),
          space: z
            .object({ free: z.int(), total: z.int() })
            .optional()
            .describe('Bytes of the disk where they are; left out where that has no end'),
        }),
      }),
    },
  },
  problems: ['log-unavailable', 'backend-unavailable'],
  async handle({ c, gateway, caller, signal }) {
    const { database, blobs } = gateway
    // The log, asked last, has all that the views show.
    const position = await viewsPosition(database)
    const [led, writers, space, [waiting], head] = await Promise.all([
      leadersNow(database),
      lookAtLogWriters(gateway.logWriters, signal),
      blobs.space(),
      gateway.read().fetchSince(position, 1),
      gateway.read().head(),
    ])
    const { trouble } = blobs.report()
    return c.json({
      version,
      now: new Date().toISOString(),
      token: { actor: caller.actor, scopes: [...caller.scopes] },
      log: {
        head,
        writers: writers.map(writer =>
          'trouble' in writer
            ? { ready: false, trouble: writer.trouble, checks: {} }
            : { ready: writer.status === 'ready', version: writer.version, checks: writer.checks },
        ),
      },
      views: {
        position,
        ...(waiting === undefined ? {} : { waitingSince: waiting.createdAt.toISOString() }),
        projectorLeads: led.projection,
      },
      stream: { relayLeads: led.relay },
      blobs: { ...(trouble === undefined ? {} : { trouble }), ...(space === undefined ? {} : { space }) },
    })
  },
})

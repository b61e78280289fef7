import { parsePosition } from '@artifact-store/core'
import { eventSource, toCloudEvent } from '@artifact-store/log'
import { z } from 'zod'
import { streamEvents } from '../http/stream-events.ts'
import { positionHeader } from '../http/with-position.ts'
import { defineRoute } from '../route.ts'
import { limitParam } from './parameters.ts'

export const listEventsRoute = defineRoute({
  method: 'get',
  path: '/v1/events',
  id: 'listEvents',
  summary: 'Read the event log: a page, or as a stream of server-sent events',
  description:
    'Events come in their order, each once. `Artifact-Position` says up to where was read: ask on from there. With `Accept: text/event-stream` the ' +
    'answer goes on without end; its `id:` is the sequence, and `Last-Event-ID` resumes behind it.',
  scope: 'read',
  query: z.object({
    after: z
      .string()
      .default('0')
      .transform(text => parsePosition(text))
      .describe('Begin behind this sequence'),
    limit: limitParam(1000, 100),
    type: z
      .union([z.string().max(100), z.array(z.string().max(100)).max(50)])
      .optional()
      .describe('Only events of this type; may be given several times'),
    subject: z
      .string()
      .regex(/^[a-z]{1,30}\/.{1,300}$/, 'reads <kind>/<id>')
      .optional()
      .describe('Only events about this, e.g. `package/<id>`'),
  }),
  headers: { 'Last-Event-ID': 'For a stream: begin behind this sequence', Accept: '`text/event-stream` for a stream' },
  answers: {
    200: {
      description: 'CloudEvents 1.0, as a JSON batch',
      mediaType: 'application/cloudevents-batch+json',
      schema: z.array(
        z.looseObject({
          id: z.string(),
          type: z.string(),
          source: z.string(),
          specversion: z.literal('1.0'),
          subject: z.string(),
        }),
      ),
      headers: { 'Artifact-Position': 'Up to where was read' },
    },
  },
  problems: ['log-unavailable'],
  async handle({ c, gateway, query, signal }) {
    const { type, subject, after, limit } = query
    const [kind = '', ...id] = subject?.split('/') ?? []
    const log = gateway.read({
      types: type === undefined ? undefined : [type].flat(),
      subject: subject === undefined ? undefined : { kind, id: id.join('/') },
    })
    if (c.req.header('accept')?.includes('text/event-stream')) {
      const last = c.req.header('last-event-id')
      return streamEvents(c, {
        log,
        after: last === undefined ? after : parsePosition(last),
        bell: gateway.logBell,
        signal,
        stopping: gateway.stopping,
      })
    }
    // The head is asked first: what a filter leaves out up to there has been read as well.
    const head = await log.head()
    const events = await log.fetchSince(after, limit)
    const last = events.at(-1)
    const reached = events.length === limit && last ? last.sequence : Math.max(head, after, last?.sequence ?? 0)
    c.header(positionHeader, String(reached))
    c.header('content-type', 'application/cloudevents-batch+json')
    return c.body(JSON.stringify(events.map(event => toCloudEvent(event, eventSource))))
  },
})

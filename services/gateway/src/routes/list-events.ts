import { maxSelectedTypes, parseEventSelection, parsePosition } from '@artifact-store/core'
import { z } from 'zod'
import { followSelected } from '../events/follow-selected.ts'
import { cloudEventJson } from '../events/server-sent.ts'
import { authenticate, authorize } from '../http/authenticate.ts'
import { setHeader } from '../http/set-header.ts'
import { streamEvents } from '../http/stream-events.ts'
import { positionHeader } from '../http/with-position.ts'
import { defineRoute } from '../route.ts'
import { limitParam } from './parameters.ts'

const scope = 'read'
/** How many bytes of events make a page full, whatever its limit. */
const pageBytes = 4 * 1024 * 1024

export const listEventsRoute = defineRoute({
  method: 'get',
  path: '/v1/events',
  id: 'listEvents',
  summary: 'Read the event log: a page, or as a stream of server-sent events',
  description:
    'Events come in their order, each once. `Artifact-Position` says up to where was read, also where a filter let little through: ask on from there. A page may ' +
    'have fewer events than there are; `Link: rel="next"` is there unless it reached the end of the log. With `Accept: text/event-stream` the answer goes on ' +
    'without end; its `id:` is the sequence, and `Last-Event-ID` resumes behind it. An `id:` without data says that everything up to it has been sent. ' +
    '`/asyncapi.json` describes the messages.',
  scope,
  query: z.object({
    after: z
      .string()
      .default('0')
      .transform(text => parsePosition(text))
      .describe('Begin behind this sequence'),
    limit: limitParam(1000, 100),
    type: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .describe(
        `Only events of this type, or of all that begin so (\`v1.package.*\`); may be given up to ${maxSelectedTypes} times`,
      ),
    subject: z.string().optional().describe('Only events about this, e.g. `package/<id>`, or about this kind, e.g. `package`'),
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
      headers: {
        'Artifact-Position': 'Up to where was read',
        Link: 'The next page (`rel="next"`), where this one did not reach the end of the log',
      },
    },
  },
  problems: ['log-unavailable', 'archive-damaged'],
  async handle({ c, gateway, query, signal }) {
    const { select, recent, metrics } = gateway.events
    const { after, limit, subject } = query
    const selection = parseEventSelection({ types: query.type === undefined ? undefined : [query.type].flat(), subject })
    if (wantsStream(c.req.header('accept'))) {
      const last = c.req.header('last-event-id')
      const from = last === undefined ? after : parsePosition(last)
      return streamEvents(c, {
        follow: ended => followSelected({ select, recent, selection, after: from, signal: ended }),
        after: from,
        signal: AbortSignal.any([signal, gateway.stopping]),
        metrics,
        stillAllowed: async () => authorize(await authenticate(gateway.tokens, c.req.header('authorization'), new Date()), scope),
      })
    }
    const { events, position, atEnd } = await select(selection).page(after, limit, pageBytes)
    metrics.sent.inc({ over: 'pages' }, events.length)
    setHeader(c, positionHeader, String(position))
    if (!atEnd) setHeader(c, 'link', `<${nextPage(c.req.url, position)}>; rel="next"`)
    return c.body(`[${events.map(cloudEventJson).join(',')}]`, 200, { 'content-type': 'application/cloudevents-batch+json' })
  },
})

/** Whether a stream is among what the client takes (RFC 9110, section 12.5.1); a weight of 0 says that it is not. */
function wantsStream(accept = ''): boolean {
  return accept.split(',').some(range => /^\s*text\/event-stream\s*(;(?!\s*q=0(\.0*)?\s*$).*)?$/i.test(range))
}

/** Relative to this server, so that it is right behind any proxy. */
function nextPage(address: string, position: number): string {
  const url = new URL(address)
  url.searchParams.set('after', String(position))
  return `${url.pathname}${url.search}`
}

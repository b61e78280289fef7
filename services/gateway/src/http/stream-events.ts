import { type Bell, eventSource, type LogReader, tailBatches, toCloudEvent } from '@artifact-store/log'
import type { AppEnv } from '@artifact-store/service'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'

/** How often a silent stream says that it lives, in milliseconds: below the patience of common proxies. */
const heartbeatMs = 15_000

/**
 * Sends the log as server-sent events: what is behind `after`, then what comes, each with its sequence as `id:`. A slow client
 * slows its own reading of the log and nothing else. Ends when the client goes or the gateway stops.
 */
export function streamEvents(
  c: Context<AppEnv>,
  options: {
    readonly log: LogReader
    readonly after: number
    readonly bell: Bell
    readonly signal: AbortSignal
    readonly stopping: AbortSignal
  },
): Response {
  const { log, after, bell } = options
  c.header('cache-control', 'no-store')
  c.header('x-accel-buffering', 'no')
  return streamSSE(c, async stream => {
    const gone = new AbortController()
    stream.onAbort(() => gone.abort())
    const signal = AbortSignal.any([gone.signal, options.signal, options.stopping])
    // A comment at once: the client learns that it is connected before the first event.
    await stream.write(': connected\n\n')
    const heartbeat = setInterval(() => void stream.write(': still here\n\n'), heartbeatMs)
    try {
      for await (const batch of tailBatches(log, { after, bell, signal, batchSize: 100 })) {
        for (const event of batch) {
          if (signal.aborted) return
          await stream.writeSSE({
            id: String(event.sequence),
            event: event.eventType,
            data: JSON.stringify(toCloudEvent(event, eventSource)),
          })
        }
      }
    } finally {
      clearInterval(heartbeat)
    }
  })
}

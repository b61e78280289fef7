import { z } from 'zod'
import { type Follower, follow } from './follower.ts'
import type { RunningStore } from './running-store.ts'
import { type SeenEvent, seenEvent, UntrueEvent } from './seen-event.ts'

type Store = Pick<RunningStore, 'url' | 'token'>

/** The whole log as it is now, page by page, over plain HTTP and without the SDK. */
export async function readEventPages(store: Store, limit = 100): Promise<SeenEvent[]> {
  const events: SeenEvent[] = []
  for (;;) {
    const answer = await get(
      store,
      `/v1/events?after=${events.at(-1)?.sequence ?? 0}&limit=${limit}`,
      'application/cloudevents-batch+json',
    )
    const page = z
      .array(z.unknown())
      .parse(await answer.json())
      .map(seenEvent)
    events.push(...page)
    // A page may be shorter than its limit: large events make it full, too.
    if (page.length === 0) return events
  }
}

/** Follows the server-sent stream from the first event on, without the SDK. */
export function followServerSentEvents(store: Store): Follower {
  return follow(signal => readServerSentEvents(store, 0, signal))
}

/** One connection to the server-sent stream, until it ends. @throws UntrueEvent when an `id:` is not the event's sequence. */
export async function* readServerSentEvents(store: Store, after: number, signal: AbortSignal): AsyncGenerator<SeenEvent> {
  const answer = await get(store, `/v1/events?after=${after}`, 'text/event-stream', signal)
  for await (const block of blocksOf(answer)) {
    const fields = new Map(
      block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
    )
    const data = fields.get('data')
    // A comment says only that the stream lives.
    if (data === undefined) continue
    const event = seenEvent(JSON.parse(data))
    if (fields.get('id') !== String(event.sequence) || fields.get('event') !== event.type)
      throw new UntrueEvent(`not what it says to be: ${block}`)
    yield event
  }
}

async function* blocksOf(answer: Response): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  let pending = ''
  for await (const chunk of answer.body ?? []) {
    pending += decoder.decode(chunk, { stream: true })
    const blocks = pending.split('\n\n')
    pending = blocks.pop() ?? ''
    yield* blocks
  }
}

async function get({ url, token }: Store, path: string, accept: string, signal: AbortSignal | null = null): Promise<Response> {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}`, accept }, signal })
  if (!answer.ok) throw new Error(`GET ${path} answered ${answer.status}: ${await answer.text()}`)
  return answer
}

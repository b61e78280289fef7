import { ArtifactError } from '@artifact-store/core'
import { createParser } from 'eventsource-parser'

export interface ServerSentEvent {
  readonly id: string | undefined
  /** Undefined for an id that came without data: it is the last event's id from then on, and no event. */
  readonly data: string | undefined
}

/** No event is as long as this, in characters: what is longer is no event stream. */
const longestEvent = 64 * 1024 * 1024

/**
 * Reads a `text/event-stream` (HTML standard, section 9.2). Comments are passed over; an event that the stream breaks off in is not
 * yielded. Bytes are read only as fast as events are taken.
 */
export async function* readServerSentEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent, void, undefined> {
  const decoder = new TextDecoder()
  let received: ServerSentEvent[] = []
  const parser = createParser({
    maxBufferSize: longestEvent,
    // It tells the id of an event first, and then the event.
    onId: id => received.push({ id, data: undefined }),
    onEvent: ({ id, data }) => {
      if (id !== undefined) received.pop()
      received.push({ id, data })
    },
    onError: error => {
      if (error.type === 'max-buffer-size-exceeded')
        throw new ArtifactError('internal', 'the event stream has an event of more than 64 MiB', { cause: error })
    },
  })
  for await (const chunk of bytes) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    const ready = received
    received = []
    yield* ready
  }
}

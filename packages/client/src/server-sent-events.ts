import { ArtifactError } from '@artifact-store/core'
import { createParser } from 'eventsource-parser'

export interface ServerSentEvent {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: string
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
    onEvent: ({ id, event, data }) => received.push({ id, event, data }),
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

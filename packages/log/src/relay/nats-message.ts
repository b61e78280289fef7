import { ArtifactError, type StoredEvent } from '@artifact-store/core'
import { ceHeaderLines, dataRef, natsSubject } from '../cloud-event.ts'

export interface NatsMessageOptions {
  /** The `source` of the CloudEvents. */
  readonly source: string
  readonly subjectPrefix: string
}

/**
 * Writes events as CloudEvents in binary mode that JetStream takes only right behind the event before, each as the command that
 * publishes it (`HPUB` of the NATS protocol), in UTF-8 once it is bytes. Handing such text to the client, many messages at
 * once, takes a third of what it takes to have each one published.
 */
export function natsMessageWriter({ source, subjectPrefix }: NatsMessageOptions) {
  let time = new Date(0)
  let timeText = ''

  // Events of one commit have one time.
  function timeOf({ createdAt }: StoredEvent): string {
    if (createdAt.getTime() !== time.getTime()) {
      time = createdAt
      timeText = createdAt.toISOString()
    }
    return timeText
  }

  /**
   * @param reply where the broker's answer goes; without one it does not answer.
   * @param largest how many bytes the broker takes, headers included. A larger event has an empty body and says in `ce-dataref` where its
   * payload is.
   * @throws ArtifactError `backend-unavailable` when the headers alone are larger.
   */
  return function write(event: StoredEvent, reply: string | undefined, largest: number): string {
    const to = `HPUB ${natsSubject(event, subjectPrefix)} ${reply === undefined ? '' : `${reply} `}`
    const lines = `NATS/1.0\r\nNats-Expected-Last-Sequence: ${event.sequence - 1}\r\n${ceHeaderLines(event, source, timeOf(event))}`
    // All values are ASCII: numbers, hex, and what is percent-encoded.
    const size = lines.length + 2
    const wholeSize = size + Buffer.byteLength(event.payloadJson)
    if (wholeSize <= largest) return `${to}${size} ${wholeSize}\r\n${lines}\r\n${event.payloadJson}\r\n`
    const reference = `ce-dataref: ${dataRef(event)}\r\n`
    const bareSize = size + reference.length
    if (bareSize > largest) throw tooLarge(event, bareSize, largest)
    return `${to}${bareSize} ${bareSize}\r\n${lines}${reference}\r\n\r\n`
  }
}

function tooLarge({ sequence }: StoredEvent, size: number, largest: number): ArtifactError {
  return new ArtifactError(
    'backend-unavailable',
    `event ${sequence} makes a message of ${size} bytes even without its payload, and the event stream takes ${largest}: raise ` +
      "the broker's max_payload, or the stream's own limit",
  )
}

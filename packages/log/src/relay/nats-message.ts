import { ArtifactError, type RecordedEvent } from '@artifact-store/core'
import { ceHeaderLines, dataRef, natsSubjectStem, subjectToken } from '../cloud-event.ts'

export interface NatsMessageOptions {
  /** The `source` of the CloudEvents. */
  readonly source: string
  /** Printable ASCII, as a subject of NATS without wildcards. */
  readonly subjectPrefix: string
  /** By the number of an event, its `traceparent` if there is one. */
  readonly traceparentOf?: ((sequence: number) => string | undefined) | undefined
}

/** A message as text, and its length in UTF-8. */
export interface NatsMessage {
  readonly text: string
  readonly bytes: number
}

/**
 * Writes events as CloudEvents in binary mode that JetStream takes only right behind the event before, each as the command that
 * publishes it (`HPUB` of the NATS protocol), in UTF-8 once it is bytes. Handing the client many of them as
 * one text takes it far less than having it write and send each.
 * @throws ArtifactError `configuration` when the prefix cannot be one.
 */
export function natsMessageWriter({ source, subjectPrefix, traceparentOf }: NatsMessageOptions) {
  if (!/^[\x21-\x29\x2b-\x3d\x3f-\x7e]+$/.test(subjectPrefix))
    throw new ArtifactError(
      'configuration',
      `"${subjectPrefix}" cannot begin the subjects of NATS: it has to be ASCII without spaces, * and >`,
    )
  let time = new Date(0)
  let timeText = ''
  const stems = new Map<string, string>()

  // Events of one commit have one time.
  function timeOf({ createdAt }: RecordedEvent): string {
    if (createdAt.getTime() !== time.getTime()) {
      time = createdAt
      timeText = createdAt.toISOString()
    }
    return timeText
  }

  // There are some dozens of types.
  function stemOf({ eventType }: RecordedEvent): string {
    const known = stems.get(eventType)
    if (known !== undefined) return known
    const stem = natsSubjectStem(eventType, subjectPrefix)
    if (stems.size < mostStems) stems.set(eventType, stem)
    return stem
  }

  /**
   * @param reply where the broker's answer goes; without one it does not answer.
   * @param largest how many bytes the broker takes, headers included. A larger event has an empty body and says in `ce-dataref` where its
   * payload is.
   * @throws ArtifactError `backend-unavailable` when the headers alone are larger.
   */
  return function write(event: RecordedEvent, reply: string | undefined, largest: number): NatsMessage {
    const to = `HPUB ${stemOf(event)}${subjectToken(event.subjectId)} ${reply === undefined ? '' : `${reply} `}`
    const identity = `NATS/1.0\r\nNats-Expected-Last-Sequence: ${event.sequence - 1}\r\n${ceHeaderLines(event, source, timeOf(event))}`
    const traceparent = traceparentOf?.(event.sequence)
    const lines = traceparent === undefined ? identity : `${identity}ce-traceparent: ${traceparent}\r\n`
    // All but the payload is ASCII: subjects, numbers, hex, and what is percent-encoded.
    const headerSize = lines.length + 2
    const size = headerSize + Buffer.byteLength(event.payloadJson)
    if (size <= largest) return message(`${to}${headerSize} ${size}\r\n`, size, `${lines}\r\n${event.payloadJson}\r\n`)
    const reference = `ce-dataref: ${dataRef(event)}\r\n`
    const bareSize = headerSize + reference.length
    if (bareSize > largest) throw tooLarge(event, bareSize, largest)
    return message(`${to}${bareSize} ${bareSize}\r\n`, bareSize, `${lines}${reference}\r\n\r\n`)
  }
}

/** Messages one behind the other, in UTF-8. */
export function joined(messages: readonly NatsMessage[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(messages.reduce((sum, message) => sum + message.bytes, 0))
  let at = 0
  for (const { text } of messages) at += bytes.write(text, at)
  return bytes
}

const mostStems = 1000

function message(command: string, size: number, content: string): NatsMessage {
  return { text: command + content, bytes: command.length + size + 2 }
}

function tooLarge({ sequence }: RecordedEvent, size: number, largest: number): ArtifactError {
  return new ArtifactError(
    'backend-unavailable',
    `event ${sequence} makes a message of ${size} bytes even without its payload, and the event stream takes ${largest}: raise ` +
      "the broker's max_payload, or the stream's own limit",
  )
}

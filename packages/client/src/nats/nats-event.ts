import { ArtifactError } from '@artifact-store/core'
import type { MsgHdrs } from 'nats'
import { type Envelope, envelopeSchema, requireDigest, type StoreEvent } from '../store-event.ts'
import type { PulledMessage } from './pull.ts'

/** An event as it came over NATS: CloudEvents 1.0 in binary mode. */
export interface NatsEvent {
  readonly envelope: Envelope
  /** Undefined where the broker could not carry the payload: the gateway has it. */
  readonly data: StoreEvent['data'] | undefined
}

/**
 * Reads a message and proves its payload.
 * @throws ArtifactError `internal` when it is no event of that number, `digest-mismatch` when the payload is not the one that was hashed.
 */
export function natsEvent({ sequence, message }: PulledMessage): NatsEvent {
  const { headers } = message
  const attributes = headers ? attributesOf(headers) : {}
  const parsed = envelopeSchema.safeParse({ ...attributes, subjectrevision: Number(attributes['subjectrevision']) })
  if (!parsed.success || parsed.data.sequence !== String(sequence) || parsed.data.id !== parsed.data.sequence)
    throw new ArtifactError(
      'internal',
      `message ${sequence} of the stream is not event ${sequence}: someone else has written there`,
      {
        cause: parsed.error,
        details: { sequence, attributes },
      },
    )
  const { dataref, ...envelope } = parsed.data
  if (dataref !== undefined) return { envelope, data: undefined }
  requireDigest(envelope, message.data)
  return { envelope, data: JSON.parse(Buffer.from(message.data).toString()) as StoreEvent['data'] }
}

/** The attributes of a CloudEvent in its headers, percent-decoded. */
export function attributesOf(headers: MsgHdrs): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const name of headers.keys()) {
    const attribute = /^ce-(.+)$/i.exec(name)?.[1]
    if (attribute !== undefined) attributes[attribute.toLowerCase()] = percentDecode(headers.get(name))
  }
  return attributes
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

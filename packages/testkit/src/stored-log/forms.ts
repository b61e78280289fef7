import { canonicalEnvelope, type StoredEvent } from '@artifact-store/core'
import { type CloudEvent, ceHeaders, eventSource, natsSubject, toCloudEvent } from '@artifact-store/log'

/** What others see of one event. These forms are frozen with the release: others have them on disk, and a Merkle tree hashes the envelope. */
export interface EventForms {
  readonly sequence: number
  /** RFC 8785 form of the envelope. */
  readonly envelope: string
  /** The CloudEvent as HTTP carries it, in a batch and in a stream. */
  readonly cloudEvent: CloudEvent
  /** The message in NATS (CloudEvents binary mode); its body is the payload's text. */
  readonly nats: { readonly subject: string; readonly headers: Readonly<Record<string, string>> }
}

export function formsOf(event: StoredEvent): EventForms {
  return {
    sequence: event.sequence,
    envelope: canonicalEnvelope(event),
    cloudEvent: toCloudEvent(event, eventSource),
    nats: { subject: natsSubject(event), headers: ceHeaders(event, eventSource) },
  }
}

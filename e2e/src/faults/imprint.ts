import { createBLAKE3, type IHasher } from 'hash-wasm'
import { canonicalForm, type SeenEvent } from '../seen-event.ts'
import type { Shown } from './history.ts'

/** Reduces an event to what can be compared with the log's. */
export type Imprinter = (event: SeenEvent) => Shown

/** The digest in an imprint is that of the payload which came, computed here, and not the one that came with it. */
export async function createImprinter(): Promise<Imprinter> {
  const hasher = await createBLAKE3()
  return event => ({
    sequence: event.sequence,
    imprint: imprintOf({ ...event, payloadDigest: digestOf(hasher, event) }),
  })
}

export function imprintOf(event: Omit<SeenEvent, 'payload'>): string {
  const { sequence, type, subject, subjectRevision, actor, time, payloadDigest } = event
  return [sequence, type, subject, subjectRevision, actor, time, payloadDigest].join(' ')
}

function digestOf(hasher: IHasher, { payload, payloadDigest }: SeenEvent): string {
  // Too large for the broker: only its digest came.
  if (payload === undefined) return payloadDigest
  return hasher.init().update(canonicalForm(payload)).digest('hex')
}

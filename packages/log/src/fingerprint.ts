import { blake3, canonicalJson, type NewEvent } from '@artifact-store/core'

/** What tells a repeat of an append from another one with its key: BLAKE3 (32 bytes) over what its events say. */
export function fingerprint(events: readonly NewEvent[]): Uint8Array {
  return blake3(
    canonicalJson(
      events.map(e => [e.eventType, e.subjectKind, e.subjectId, e.actor, Buffer.from(e.payloadDigest).toString('hex')]),
    ),
  )
}

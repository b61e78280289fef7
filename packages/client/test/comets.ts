import { blake3, canonicalJson, type NewEvent } from '@artifact-store/core'

/** An event of a type that no catalogue knows, which can be about anything and as large as needed. */
export function comet(text: string): NewEvent {
  const payloadJson = canonicalJson({ text })
  return {
    eventType: 'v1.comet.sighted',
    subjectKind: 'comet',
    subjectId: 'halley',
    actor: 'x',
    payloadJson,
    payloadDigest: blake3(payloadJson),
  }
}

export function comets(count: number): NewEvent[] {
  return Array.from({ length: count }, (_, i) => comet(`the ${i}th`))
}

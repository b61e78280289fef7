import { blake3, canonicalJson } from '@artifact-store/core'
import type { StoreEvent } from '../src/index.ts'

/** An event as the gateway tells it. */
export function sampleEvent(sequence: number, given: { type?: string; data?: Record<string, unknown> } = {}): StoreEvent {
  const { type = 'v1.package.created', data = { text: `číslo ${sequence}` } } = given
  return {
    specversion: '1.0',
    id: String(sequence),
    source: '/artifact-store',
    type,
    subject: 'package/01a205f3-fc15-76bf-a5d3-b7d5601575e5',
    time: '2026-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    sequence: String(sequence),
    subjectrevision: 1,
    actor: 'ci',
    payloaddigest: Buffer.from(blake3(canonicalJson(data))).toString('hex'),
    data,
  }
}

/** The same in an event stream. */
export function frame(sequence: number): string {
  return `event: v1.package.created\nid: ${sequence}\ndata: ${JSON.stringify(sampleEvent(sequence))}\n\n`
}

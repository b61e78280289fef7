import type { StoredEvent } from '@artifact-store/core'
import { type MsgHdrs, MsgHdrsImpl } from 'nats'
import { ceHeaders, dataRef } from '../cloud-event.ts'

/**
 * An event as a CloudEvent in binary mode that JetStream takes only right behind the event before it. One that would be larger
 * than `largest` bytes, headers included, has an empty body and says in `ce-dataref` where its payload is.
 */
export function natsMessage(event: StoredEvent, source: string, largest: number): { headers: MsgHdrs; body: Uint8Array } {
  const record: Record<string, string[]> = { 'Nats-Expected-Last-Sequence': [String(event.sequence - 1)] }
  let size = fixedHeaderBytes
  for (const [name, value] of Object.entries(ceHeaders(event, source))) {
    record[name] = [value]
    size += name.length + value.length + ': \r\n'.length
  }
  const body = Buffer.from(event.payloadJson)
  if (size + body.length <= largest) return { headers: MsgHdrsImpl.fromRecord(record), body }
  record['ce-dataref'] = [dataRef(event)]
  return { headers: MsgHdrsImpl.fromRecord(record), body: Buffer.alloc(0) }
}

/** The version line, the expected sequence and the empty line at the end, rounded up. */
const fixedHeaderBytes = 100

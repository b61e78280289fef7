import { type Digest, digestFromBytes, digestHex } from '@artifact-store/core'

/** A small blob as a journal holds it: the digest (32 bytes), the length (4 bytes, big-endian), the bytes. */
export interface JournalRecord {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

const headBytes = 36

export function recordBytes(record: JournalRecord): number {
  return headBytes + record.bytes.length
}

/** The records in one piece of memory of its own, and where the bytes of each begin in it. */
export function encodeRecords(records: readonly JournalRecord[]): {
  readonly buffer: ArrayBuffer
  readonly offsets: readonly number[]
} {
  const buffer = new ArrayBuffer(records.reduce((sum, record) => sum + recordBytes(record), 0))
  const target = Buffer.from(buffer)
  const offsets: number[] = []
  let position = 0
  for (const { digest, bytes } of records) {
    target.write(digestHex(digest), position, 'hex')
    target.writeUInt32BE(bytes.length, position + 32)
    position += headBytes
    offsets.push(position)
    target.set(bytes, position)
    position += bytes.length
  }
  return { buffer, offsets }
}

/**
 * The records that stand whole at the beginning of the bytes. A power failure may cut the last one off; whether the bytes of a record
 * are those that were written is for its digest to say.
 */
export function* decodeRecords(journal: Uint8Array): Generator<JournalRecord, void, void> {
  const view = new DataView(journal.buffer, journal.byteOffset, journal.byteLength)
  for (let position = 0; position + headBytes <= journal.length; ) {
    const digest = digestFromBytes(journal.subarray(position, position + 32))
    const start = position + headBytes
    const end = start + view.getUint32(position + 32)
    if (end > journal.length) return
    yield { digest, bytes: journal.subarray(start, end) }
    position = end
  }
}

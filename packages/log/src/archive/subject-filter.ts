import { createHash } from 'node:crypto'
import type { Subject } from '@artifact-store/core'

/**
 * Which subjects a segment has, as a Bloom filter in blocks of 64 bytes: 12 bits for a subject, so that of two hundred questions about subjects that
 * are not in it about one is answered wrongly. The database asks it (`log.filter_may_hold`), which reads one block; here it is made.
 */
export function subjectFilter(subjects: Iterable<Subject>): Buffer {
  const hashes = new Map<string, Buffer>()
  for (const { kind, id } of subjects) {
    const text = `${kind}\n${id}`
    if (!hashes.has(text)) hashes.set(text, createHash('sha256').update(text).digest())
  }
  const blocks = Math.max(1, Math.ceil((hashes.size * bitsForSubject) / (blockBytes * 8)))
  const filter = Buffer.alloc(blocks * blockBytes)
  for (const hash of hashes.values()) {
    const block = (hash.readUIntBE(0, 3) % blocks) * blockBytes
    for (let n = 0; n < bitsSet; n++) {
      const bit = hash.readUInt16BE(3 + 2 * n) % (blockBytes * 8)
      const at = block + (bit >> 3)
      filter.writeUInt8(filter.readUInt8(at) | (1 << (bit & 7)), at)
    }
  }
  return filter
}

const blockBytes = 64
const bitsForSubject = 12
const bitsSet = 6

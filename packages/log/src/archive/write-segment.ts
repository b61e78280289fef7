import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import type { Digest, Subject } from '@artifact-store/core'
import type { ArchiveStore } from './archive-store.ts'
import { type ArchivedEvent, eventLine, headerLine } from './segment-lines.ts'
import { subjectFilter } from './subject-filter.ts'

/** A segment as it was written, which nobody has proven yet. */
export interface WrittenSegment {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly digest: Digest
  /** Bytes of the object, and of what is in it when it is decompressed. */
  readonly bytes: number
  readonly plainBytes: number
  readonly subjectFilter: Buffer
}

export interface SegmentSource {
  readonly firstSequence: number
  readonly lastSequence: number
  /** All events from the first to the last, in order, in pages of any length. */
  readonly pages: AsyncIterable<readonly ArchivedEvent[]>
}

/**
 * Writes a segment to the store as it comes from the log, a page of events in memory at a time. The same events give the same bytes, so whoever was
 * interrupted writes the same object again.
 */
export async function writeSegment(store: ArchiveStore, source: SegmentSource, signal?: AbortSignal): Promise<WrittenSegment> {
  const { firstSequence, lastSequence } = source
  const subjects = new Map<string, Subject>()
  let plainBytes = 0

  async function* plain(): AsyncGenerator<Buffer, void, undefined> {
    yield counted(headerLine(firstSequence, lastSequence))
    for await (const page of source.pages) {
      for (const { subjectKind: kind, subjectId: id } of page) subjects.set(`${kind}\n${id}`, { kind, id })
      yield counted(page.map(eventLine).join(''))
    }
  }
  function counted(text: string): Buffer {
    const bytes = Buffer.from(text)
    plainBytes += bytes.length
    return bytes
  }

  const compressed = createZstdCompress(zstd)
  // What breaks it is thrown to whoever reads what comes out.
  pipeline(plain, compressed).catch(() => undefined)
  const { digest, size } = await store.put(compressed, { signal })
  const filter = subjectFilter(subjects.values())
  return { firstSequence, lastSequence, digest, bytes: size, plainBytes, subjectFilter: filter }
}

// With a checksum of its own, so that a segment can be checked by the tool alone that decompresses it.
const zstd = { params: { [constants.ZSTD_c_compressionLevel]: 6, [constants.ZSTD_c_checksumFlag]: 1 } }

import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { ArtifactError, blake3, type Digest, isArtifactError } from '@artifact-store/core'
import type { ArchiveStore } from './archive-store.ts'
import { Segment } from './segment.ts'
import { headerLine, malformed, parseHeader } from './segment-lines.ts'

/** A segment as the log knows it: what it holds, and which object of the archive it is. */
export interface SegmentEntry {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly digest: Digest
  readonly bytes: number
  readonly plainBytes: number
}

/**
 * Reads a segment from the store, into as much memory as its entry says and no more.
 * @throws ArtifactError that names the segment: `archive-damaged` where it is missing, has other bytes or does not hold what it should;
 * `log-unavailable` where the store cannot be reached.
 */
export async function openSegment(store: ArchiveStore, entry: SegmentEntry, signal?: AbortSignal): Promise<Segment> {
  return (await read(store, entry, signal)).segment
}

/**
 * Reads a segment again and looks at every event in it: that it is where it should be, and its payload the one that its digest is of.
 * @returns the SHA-256 of the events' lines, which the database compares with its own.
 * @throws what `openSegment` throws.
 */
export async function proveSegment(store: ArchiveStore, entry: SegmentEntry, signal?: AbortSignal): Promise<Buffer> {
  const { segment, lines } = await read(store, entry, signal)
  return named(entry, async () => {
    for (let after = entry.firstSequence - 1; after < entry.lastSequence; after += eventsAtOnce) {
      for (const event of segment.events(after, Math.min(eventsAtOnce, entry.lastSequence - after), {})) {
        if (!Buffer.from(blake3(event.payloadJson)).equals(event.payloadDigest))
          throw malformed(`the payload of event ${event.sequence} is not what its digest is of`)
      }
      // Other work of the process goes on between.
      await new Promise(setImmediate)
      signal?.throwIfAborted()
    }
    return createHash('sha256').update(lines).digest()
  })
}

const eventsAtOnce = 1000

async function read(store: ArchiveStore, entry: SegmentEntry, signal: AbortSignal | undefined) {
  return named(entry, async () => {
    const stored = await store.get(entry.digest, { size: entry.bytes, signal })
    const plain = await decompressed(stored, entry.plainBytes)
    const header = headerLine(entry.firstSequence, entry.lastSequence)
    const [firstLine = ''] = plain.toString('utf8', 0, maxHeaderBytes).split('\n')
    const { firstSequence, lastSequence } = parseHeader(firstLine)
    if (firstSequence !== entry.firstSequence || lastSequence !== entry.lastSequence)
      throw malformed(`it holds events ${firstSequence} to ${lastSequence}`)
    const lines = plain.subarray(Buffer.byteLength(header))
    return { lines, segment: new Segment(entry.firstSequence, entry.lastSequence, lines) }
  })
}

const maxHeaderBytes = 1024

async function decompressed(stored: AsyncIterable<Uint8Array>, plainBytes: number): Promise<Buffer> {
  const plain = Buffer.allocUnsafe(plainBytes)
  let at = 0
  await pipeline(stored, createZstdDecompress({ chunkSize }), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      if (at + chunk.length > plainBytes) throw malformed(`it holds more than the ${plainBytes} bytes that it should`)
      at += chunk.copy(plain, at)
    }
  })
  if (at < plainBytes) throw malformed(`it holds ${at} bytes and not the ${plainBytes} that it should`)
  return plain
}

// Each chunk that zlib hands over costs some tens of microseconds.
const chunkSize = 256 * 1024

async function named<T>(entry: SegmentEntry, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw troubleOf(entry, cause)
  }
}

function troubleOf({ firstSequence, lastSequence, digest }: SegmentEntry, cause: unknown): unknown {
  const options = { cause, details: { firstSequence, lastSequence, digest } }
  const which = `the segment ${digest} with the events ${firstSequence} to ${lastSequence} of the log`
  const putBack = 'put it back into the archive from a copy: its name is its digest'
  if (isArtifactError(cause, 'blob-not-found'))
    return new ArtifactError('archive-damaged', `${which} is not in the archive; ${putBack}`, options)
  if (isArtifactError(cause, 'blob-corrupt'))
    return new ArtifactError('archive-damaged', `${which} has other bytes in the archive than it should; ${putBack}`, options)
  if (isArtifactError(cause, 'archive-damaged') && !('digest' in cause.details))
    return new ArtifactError('archive-damaged', `${which} cannot be read: ${cause.message}`, options)
  // What zlib makes of bytes that are no Zstandard frame.
  if (cause instanceof Error && 'code' in cause && /^Z(STD)?_/.test(String(cause.code)))
    return new ArtifactError('archive-damaged', `${which} cannot be decompressed`, options)
  if (isArtifactError(cause, 'backend-unavailable'))
    return new ArtifactError('log-unavailable', `${which} cannot be read at the moment: ${cause.message}`, options)
  return cause
}

import type { ByteRange, ByteStream } from '@artifact-store/blobs'
import { ArtifactError } from '@artifact-store/core'
import type { ArchivedFile, ArchiveFormat, ArchiveTotals } from './format.ts'
import { RangeCut } from './range-cut.ts'
import { ReadAhead } from './read-ahead.ts'

/** Files that were read together, in the order of their paths' bytes. */
interface FilePage {
  readonly files: readonly ArchivedFile[]
  /** The CRC-32 of each; asked for only where one is sent. */
  readonly checksums: () => Promise<Uint32Array>
}

/** What an archive is made of. */
export interface ArchiveSource {
  /** All files from the first on, page by page; opened once for the members and once for the directory. */
  pages(): AsyncIterable<FilePage>
  /** Bytes of a file. */
  open(file: ArchivedFile, range: ByteRange): Promise<ByteStream>
}

/** Lays the archive out, without reading a byte of the files. */
export async function archiveTotals(format: ArchiveFormat, source: Pick<ArchiveSource, 'pages'>): Promise<ArchiveTotals> {
  const totals = { files: 0, members: 0, directory: 0 }
  for await (const { files } of source.pages()) {
    for (const file of files) {
      const facts = { offset: totals.members, crc32: 0 }
      totals.files += 1
      totals.members += format.head(file, facts).length + file.size + format.padding(file)
      totals.directory += format.entry(file, facts).length
    }
  }
  return totals
}

export function archiveLength(format: ArchiveFormat, totals: ArchiveTotals): number {
  return totals.members + totals.directory + format.end(totals).length
}

/**
 * A range of the archive's bytes. Memory is one page of files and what is read ahead, however many files there are: what lies before the range is
 * stepped over, not read.
 * @throws ArtifactError `internal` when the files are not those that were laid out; what opening a file throws.
 */
export async function* archiveBytes(
  format: ArchiveFormat,
  source: ArchiveSource,
  totals: ArchiveTotals,
  range: ByteRange,
): ByteStream {
  const { members, directory } = totals
  if (range.start < members) yield* membersWithin(format, source, new RangeCut(range, 0), members)
  if (directory > 0 && range.start < members + directory && range.end > members)
    yield* directoryWithin(format, source, new RangeCut(range, members), members + directory)
  yield new RangeCut(range, members + directory).take(format.end(totals))
}

async function* membersWithin(format: ArchiveFormat, source: ArchiveSource, cut: RangeCut, end: number): ByteStream {
  for await (const { files, checksums } of source.pages()) {
    const ahead = new ReadAhead(files, (file, part) => source.open(file, part))
    for (const [index, file] of files.entries()) {
      const offset = cut.position
      const blank = format.head(file, { offset, crc32: 0 })
      const isWanted = format.hasChecksums && cut.touches(blank.length)
      yield cut.take(isWanted ? format.head(file, { offset, crc32: (await checksums())[index] ?? 0 }) : blank)
      if (cut.touches(file.size)) yield* await ahead.open(index, file, cut.next(file.size))
      cut.position += file.size
      yield cut.take(new Uint8Array(format.padding(file)))
      if (cut.isPast) return
    }
  }
  assertEnd(cut, end)
}

async function* directoryWithin(format: ArchiveFormat, source: ArchiveSource, cut: RangeCut, end: number): ByteStream {
  let offset = 0
  for await (const { files, checksums } of source.pages()) {
    for (const [index, file] of files.entries()) {
      const blank = format.entry(file, { offset, crc32: 0 })
      const isWanted = format.hasChecksums && cut.touches(blank.length)
      yield cut.take(isWanted ? format.entry(file, { offset, crc32: (await checksums())[index] ?? 0 }) : blank)
      offset += format.head(file, { offset, crc32: 0 }).length + file.size + format.padding(file)
      if (cut.isPast) return
    }
  }
  assertEnd(cut, end)
}

// A package can be deleted while it is sent. What then comes short must not be completed by an end.
function assertEnd({ position }: RangeCut, end: number): void {
  if (position === end) return
  throw new ArtifactError('internal', `the files of the archive changed while it was sent: byte ${end} is now byte ${position}`)
}

import type { FileEntry } from '@artifact-store/core'

/** 1980-01-01T00:00:00Z, in seconds since 1970: the earliest that both formats can say, and the same for every file of every archive. */
export const timestamp = 315_532_800
/** Readable by everyone, writable by the owner. */
export const mode = 0o644

export type ArchivedFile = Pick<FileEntry, 'path' | 'digest' | 'size'>

/** Where a file begins in the archive, and its CRC-32 (0 where the format has none). */
export interface MemberFacts {
  readonly offset: number
  readonly crc32: number
}

/** What stands before the end: how many files, and bytes of the members and of the directory behind them. */
export interface ArchiveTotals {
  readonly files: number
  readonly members: number
  readonly directory: number
}

/**
 * How an archive is laid out around the bytes of the files: for each file a head, its bytes as they are, and padding; then a directory with an entry for each
 * file; then the end. The lengths of all of these depend on paths, sizes and offsets alone, so that the whole is laid out before a byte is read.
 */
export interface ArchiveFormat {
  readonly name: 'tar' | 'zip'
  /** Changes whenever the bytes that are made do: it is part of the ETag. */
  readonly version: number
  readonly mediaType: string
  readonly hasChecksums: boolean
  head(file: ArchivedFile, facts: MemberFacts): Uint8Array
  /** Zero bytes behind the file's. */
  padding(file: ArchivedFile): number
  /** The entry in the directory; empty where the format has none. */
  entry(file: ArchivedFile, facts: MemberFacts): Uint8Array
  end(totals: ArchiveTotals): Uint8Array
}

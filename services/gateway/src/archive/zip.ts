import { type ArchivedFile, type ArchiveFormat, type ArchiveTotals, type MemberFacts, mode } from './format.ts'

/** What does not fit 16 or 32 bits is said in a ZIP64 field, and the plain one is full of ones. */
const full16 = 0xffff
const full32 = 0xffff_ffff
/** Names are in UTF-8. */
const flags = 0x0800
/** 1980-01-01 00:00:00 as MS-DOS has it. */
const time = 0
const date = 0x0021
const [plainVersion, zip64Version, unix] = [20, 45, 3 << 8]

/**
 * ZIP (PKWARE's APPNOTE 6.3.10) with ZIP64 where it is needed. Files are stored as they are, so that their bytes are those that are proven, and each has its
 * length and CRC-32 before its bytes, which every reader understands, also one that reads a stream.
 */
export const zipFormat: ArchiveFormat = {
  name: 'zip',
  version: 1,
  mediaType: 'application/zip',
  hasChecksums: true,
  head(file, facts) {
    const extra = file.size >= full32 ? zip64(file.size, file.size) : none
    const fixed = Buffer.alloc(30)
    fixed.writeUInt32LE(0x0403_4b50, 0)
    describe(fixed.subarray(4), file, { ...facts, extra })
    return Buffer.concat([fixed, Buffer.from(file.path), extra])
  },
  padding: () => 0,
  entry(file, facts) {
    const { offset } = facts
    const extra = zip64(...(file.size >= full32 ? [file.size, file.size] : []), ...(offset >= full32 ? [offset] : []))
    const fixed = Buffer.alloc(46)
    fixed.writeUInt32LE(0x0201_4b50, 0)
    fixed.writeUInt16LE(unix | zip64Version, 4)
    describe(fixed.subarray(6), file, { ...facts, extra })
    fixed.writeUInt32LE((0o100000 | mode) * 0x1_0000, 38)
    fixed.writeUInt32LE(Math.min(offset, full32), 42)
    return Buffer.concat([fixed, Buffer.from(file.path), extra])
  },
  end(totals) {
    const { files, members, directory } = totals
    const fixed = Buffer.alloc(22)
    fixed.writeUInt32LE(0x0605_4b50, 0)
    fixed.writeUInt16LE(Math.min(files, full16), 8)
    fixed.writeUInt16LE(Math.min(files, full16), 10)
    fixed.writeUInt32LE(Math.min(directory, full32), 12)
    fixed.writeUInt32LE(Math.min(members, full32), 16)
    const isLarge = files >= full16 || directory >= full32 || members >= full32
    return isLarge ? Buffer.concat([zip64End(totals), fixed]) : fixed
  },
}

const none = Buffer.alloc(0)

/** What a local header and a directory entry say alike: 26 bytes. */
function describe(fields: Buffer, file: ArchivedFile, { crc32, extra }: Pick<MemberFacts, 'crc32'> & { extra: Buffer }): void {
  fields.writeUInt16LE(extra.length > 0 ? zip64Version : plainVersion, 0)
  fields.writeUInt16LE(flags, 2)
  // Method 0, stored.
  fields.writeUInt16LE(time, 6)
  fields.writeUInt16LE(date, 8)
  fields.writeUInt32LE(crc32, 10)
  fields.writeUInt32LE(Math.min(file.size, full32), 14)
  fields.writeUInt32LE(Math.min(file.size, full32), 18)
  fields.writeUInt16LE(Buffer.byteLength(file.path), 22)
  fields.writeUInt16LE(extra.length, 24)
}

/** The extra field 0x0001 with these numbers, or nothing where there are none. */
function zip64(...values: readonly number[]): Buffer {
  if (values.length === 0) return none
  const extra = Buffer.alloc(4 + values.length * 8)
  extra.writeUInt16LE(0x0001, 0)
  extra.writeUInt16LE(values.length * 8, 2)
  for (const [index, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + index * 8)
  return extra
}

/** The ZIP64 end of the directory, and what leads to it. */
function zip64End({ files, members, directory }: ArchiveTotals): Buffer {
  const end = Buffer.alloc(56 + 20)
  end.writeUInt32LE(0x0606_4b50, 0)
  end.writeBigUInt64LE(44n, 4)
  end.writeUInt16LE(unix | zip64Version, 12)
  end.writeUInt16LE(zip64Version, 14)
  end.writeBigUInt64LE(BigInt(files), 24)
  end.writeBigUInt64LE(BigInt(files), 32)
  end.writeBigUInt64LE(BigInt(directory), 40)
  end.writeBigUInt64LE(BigInt(members), 48)
  end.writeUInt32LE(0x0706_4b50, 56)
  end.writeBigUInt64LE(BigInt(members + directory), 64)
  end.writeUInt32LE(1, 72)
  return end
}

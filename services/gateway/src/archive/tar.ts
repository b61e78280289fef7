import { type ArchivedFile, type ArchiveFormat, mode, timestamp } from './format.ts'

const blockLength = 512
/** The longest name and the largest size that a plain header holds. */
const maxName = 100
const maxSize = 0o77777777777

/**
 * The pax interchange format (POSIX.1-2017, pax): ustar headers, with an extended header before those whose path or size does not fit one, or whose path is
 * not ASCII.
 */
export const tarFormat: ArchiveFormat = {
  name: 'tar',
  version: 1,
  mediaType: 'application/x-tar',
  hasChecksums: false,
  head(file) {
    const records = extendedRecords(file)
    if (records.length === 0) return header({ name: Buffer.from(file.path), size: file.size, type: '0' })
    const extended = header({ name: Buffer.from('PaxHeaders/next'), size: records.length, type: 'x' })
    // The name is for readers that know no extended headers.
    const name = Buffer.from(file.path.replaceAll(/[^\x20-\x7e]/gu, '_')).subarray(-maxName)
    const plain = header({ name, size: file.size > maxSize ? 0 : file.size, type: '0' })
    return Buffer.concat([extended, records, Buffer.alloc(paddingOf(records.length)), plain])
  },
  padding: file => paddingOf(file.size),
  entry: () => new Uint8Array(0),
  end: () => new Uint8Array(2 * blockLength),
}

function paddingOf(length: number): number {
  return (blockLength - (length % blockLength)) % blockLength
}

function extendedRecords({ path, size }: ArchivedFile): Buffer {
  const isPlain = /^[\x20-\x7e]*$/.test(path) && path.length <= maxName
  return Buffer.concat([...(isPlain ? [] : [record('path', path)]), ...(size <= maxSize ? [] : [record('size', String(size))])])
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function record(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  length = rest + String(length).length
  return Buffer.from(`${length} ${key}=${value}\n`)
}

function header({ name, size, type }: { name: Uint8Array; size: number; type: '0' | 'x' }): Buffer {
  const block = Buffer.alloc(blockLength)
  block.set(name, 0)
  const octal = (value: number, at: number, digits: number) => block.write(`${value.toString(8).padStart(digits, '0')}\0`, at)
  octal(mode, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(size, 124, 11)
  octal(timestamp, 136, 11)
  block.write(type, 156)
  block.write('ustar\x0000', 257)
  octal(0, 329, 7)
  octal(0, 337, 7)
  // The checksum is taken with its own field full of spaces.
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

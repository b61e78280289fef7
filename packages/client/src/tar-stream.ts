import { Buffer } from 'node:buffer'

const block = 512
/** What is handed to the socket at once, in bytes. */
const gatheredBytes = 256 * 1024

/** A file of a tar stream: what is said of it, and its bytes, opened when their turn comes. */
export interface TarSource {
  readonly path: string
  readonly size: number
  readonly mediaType: string
  readonly digest: string
  readonly sha256: string
  readonly bytes: () => AsyncIterable<Uint8Array>
}

/** How many bytes `tarStream` makes of these files. */
export function tarLength(files: readonly TarSource[]): number {
  return files.reduce((sum, file) => sum + headOf(file).length + padded(file.size), 2 * block)
}

/**
 * The files as a tar stream in the pax interchange format (POSIX.1-2001), each with its digests and media type in its extended header. Bytes are gathered to
 * large pieces, which belong to whoever takes them.
 */
export async function* tarStream(files: readonly TarSource[]): AsyncGenerator<Uint8Array, void, undefined> {
  let pieces: Uint8Array[] = []
  let gathered = 0
  async function* all() {
    for (const file of files) {
      yield headOf(file)
      yield* file.bytes()
      yield Buffer.alloc(padded(file.size) - file.size)
    }
    // Two blocks of zeros end an archive.
    yield Buffer.alloc(2 * block)
  }
  for await (const piece of all()) {
    pieces.push(piece)
    gathered += piece.length
    if (gathered < gatheredBytes) continue
    yield Buffer.concat(pieces, gathered)
    pieces = []
    gathered = 0
  }
  if (gathered > 0) yield Buffer.concat(pieces, gathered)
}

/** The extended header and the header behind it. */
function headOf({ path, size, mediaType, digest, sha256 }: TarSource): Uint8Array {
  const records = [
    record('path', path),
    record('size', String(size)),
    record('ARTIFACTSTORE.blake3', digest),
    record('ARTIFACTSTORE.sha256', sha256),
    record('ARTIFACTSTORE.media-type', mediaType),
  ]
  const extended = Buffer.concat(records)
  const padding = Buffer.alloc(padded(extended.length) - extended.length)
  return Buffer.concat([header('pax-header', extended.length, 'x'), extended, padding, header('see-pax-header', size, '0')])
}

/** `length keyword=value\n`, where the length counts itself. */
function record(keyword: string, value: string): Uint8Array {
  const rest = Buffer.byteLength(` ${keyword}=${value}\n`)
  let length = rest + String(rest).length
  length = rest + String(length).length
  return Buffer.from(`${length} ${keyword}=${value}\n`)
}

/** A ustar header. A size above 8 GiB does not fit into it, and is in the extended header. */
function header(name: string, size: number, type: string): Uint8Array {
  const bytes = Buffer.alloc(block)
  bytes.write(name, 0)
  bytes.write('0000644\0', 100)
  bytes.write('0000000\0', 108)
  bytes.write('0000000\0', 116)
  bytes.write(`${Math.min(size, 0o77777777777).toString(8).padStart(11, '0')}\0`, 124)
  bytes.write('00000000000\0', 136)
  // The sum is taken with blanks in its own place.
  bytes.write('        ', 148)
  bytes.write(type, 156)
  bytes.write('ustar\x0000', 257)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return bytes
}

function padded(size: number): number {
  return Math.ceil(size / block) * block
}

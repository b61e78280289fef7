import type { ByteStream } from '@artifact-store/blobs'
import {
  type AnyDigest,
  ArtifactError,
  defaultMediaType,
  isArtifactError,
  parseAnyDigest,
  parseMediaType,
} from '@artifact-store/core'
import { type Extract, extract, type Header } from 'tar-stream'

/** A file of a tar stream. Its bytes are to be read, to their end or not, before the next entry is asked for. */
export interface TarFile {
  /** As the archive has it, without a leading `./`. */
  readonly name: string
  readonly size: number
  readonly mediaType: string
  /** The digests that the archive says it has. */
  readonly expect: readonly AnyDigest[]
  readonly bytes: ByteStream
}

/** An entry that no package can hold, and why. */
export interface RefusedEntry {
  readonly name: string
  readonly error: ArtifactError
}

/** What the archive may say of a file in its extended header (POSIX.1-2001 pax, with a vendor's keywords). */
const paxKeywords = {
  blake3: 'ARTIFACTSTORE.blake3',
  sha256: 'ARTIFACTSTORE.sha256',
  mediaType: 'ARTIFACTSTORE.media-type',
} as const

/**
 * Reads a tar stream (ustar, pax, GNU long names) entry by entry, in bounded memory. Directories are passed over: a package has files only.
 * Links, devices and whatever else is no plain file come as refusals, and so do names that are not UTF-8.
 * @throws ArtifactError `invalid-request` where the bytes are no tar stream any more; what the source throws.
 */
export async function* tarEntries(source: ByteStream): AsyncGenerator<TarFile | RefusedEntry, void, undefined> {
  // Names as bytes: decoded by the parser, one that is not UTF-8 would silently become another.
  const parser = extract({ filenameEncoding: 'latin1' } as Parameters<typeof extract>[0])
  let broken: { readonly error: unknown } | undefined
  const fed = feed(source, parser).catch((error: unknown) => {
    broken = { error }
    parser.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  const meant = (error: unknown): unknown => {
    if (broken) return broken.error
    if (isArtifactError(error)) return error
    const why = error instanceof Error ? error.message : String(error)
    return new ArtifactError('invalid-request', `the body is no tar stream, or none any more: ${why}`, { cause: error })
  }
  const entries = parser[Symbol.asyncIterator]()
  try {
    for (let next = await entries.next(); !next.done; next = await entries.next()) {
      const bytes = bytesOf(next.value as AsyncIterable<Uint8Array>, meant)
      if (next.value.header.type !== 'directory') yield toFileOrRefusal(next.value.header, bytes)
      // What nobody wanted is passed over.
      for await (const _ of bytes);
    }
  } catch (error) {
    throw meant(error)
  } finally {
    parser.destroy()
    await fed
  }
  if (broken) throw meant(undefined)
}

/** The bytes of an entry, from wherever they were left. Stopping to read them leaves the rest to the next reader: the stream's own iterator would end the parser. */
function bytesOf(entry: AsyncIterable<Uint8Array>, meant: (error: unknown) => unknown): ByteStream {
  const chunks = entry[Symbol.asyncIterator]()
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          return await chunks.next()
        } catch (error) {
          throw meant(error)
        }
      },
    }),
  }
}

function toFileOrRefusal(header: Header, bytes: ByteStream): TarFile | RefusedEntry {
  const name = nameOf(header)
  if (name === undefined) return refusal(escaped(header.name), 'its name is not UTF-8: rename it')
  const why = whyNoFile(header)
  if (why !== undefined) return refusal(name, why)
  try {
    const { blake3, sha256, mediaType } = paxKeywords
    const said = paxOf(header)
    const expect = [said[blake3], said[sha256]].filter(digest => digest !== undefined).map(digest => parseAnyDigest(digest))
    return {
      name,
      size: header.size,
      mediaType: parseMediaType(said[mediaType] ?? defaultMediaType),
      expect,
      bytes,
    }
  } catch (error) {
    if (!isArtifactError(error)) throw error
    return { name, error }
  }
}

/** The name without the `./` that `tar -C directory .` puts before it; undefined when it is not UTF-8. */
function nameOf(header: Header): string | undefined {
  // A pax record is UTF-8 by definition, and the parser has decoded it.
  const text = paxOf(header)['path'] === undefined ? decoded(header.name) : header.name
  return text?.includes('\ufffd') ? undefined : text?.replace(/^(?:\.\/+)+/, '')
}

function decoded(name: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(name, 'latin1'))
  } catch {
    return undefined
  }
}

function whyNoFile(header: Header): string | undefined {
  if (Object.keys(paxOf(header)).some(key => key.startsWith('GNU.sparse.')))
    return 'it is stored with its holes left out: write the archive without --sparse'
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      return undefined
    case 'symlink':
      return `it is a symbolic link to ${JSON.stringify(header.linkname)}, and a package holds files only: write the archive with --dereference`
    case 'link':
      return `it is a hard link to ${JSON.stringify(header.linkname)}: write the archive with --hard-dereference`
    case 'fifo':
    case 'character-device':
    case 'block-device':
      return 'it is a device or a pipe, and a package holds files only'
    default:
      return 'it is of a kind that is not known here, and a package holds files only'
  }
}

/** The records of the extended header, as the parser leaves them. */
function paxOf({ pax }: Header): Readonly<Record<string, string | undefined>> {
  return (pax ?? {}) as Readonly<Record<string, string | undefined>>
}

function refusal(name: string, why: string): RefusedEntry {
  return {
    name,
    error: new ArtifactError('invalid-request', `${JSON.stringify(name)} cannot be added: ${why}`, { details: { path: name } }),
  }
}

function escaped(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** Writes the source into the parser as fast as entries are taken. */
async function feed(source: ByteStream, parser: Extract): Promise<void> {
  for await (const chunk of source) {
    if (parser.destroyed) return
    if (!parser.write(chunk)) await room(parser)
  }
  parser.end(undefined)
}

function room(parser: Extract): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      parser.off('drain', done)
      parser.off('close', done)
      resolve()
    }
    parser.on('drain', done)
    parser.on('close', done)
  })
}

import { crc32 } from 'node:zlib'
import type { ByteStream, CheckedBlobStore } from '@artifact-store/blobs'
import { blake3, type Digest } from '@artifact-store/core'
import type { ArchivedFile } from './format.ts'

/** How many files' checksums are kept together, and read together from the views. */
export const filesPerPage = 1000
const proofLength = 16
/** How many files of a page are read at once. */
const readers = 8

/** Where the page with that number lies among the pages of a package, in bytes. */
export function pageRange(index: number, files: number): { readonly start: number; readonly end: number } {
  const start = index * (filesPerPage * 4 + proofLength)
  return { start, end: start + files * 4 + proofLength }
}

/** The page as it is kept: 4 bytes a file, little-endian, and a digest by which it shows to be this page of this package. */
export function encodePage(manifest: Digest, index: number, checksums: Uint32Array): Uint8Array {
  const values = Buffer.alloc(checksums.length * 4)
  for (const [at, value] of checksums.entries()) values.writeUInt32LE(value, at * 4)
  return Buffer.concat([values, proofOf(manifest, index, values)])
}

/** @returns undefined for anything else than that page. */
export function decodePage(manifest: Digest, index: number, bytes: Buffer, files: number): Uint32Array | undefined {
  if (bytes.length !== files * 4 + proofLength) return undefined
  const values = bytes.subarray(0, files * 4)
  if (!bytes.subarray(files * 4).equals(proofOf(manifest, index, values))) return undefined
  return Uint32Array.from({ length: files }, (_, at) => values.readUInt32LE(at * 4))
}

/** Reads the files of a page, every byte proven, and sums them up. */
export async function sumUp(
  blobs: Pick<CheckedBlobStore, 'get'>,
  files: readonly ArchivedFile[],
  signal: AbortSignal,
): Promise<Uint32Array> {
  const checksums = new Uint32Array(files.length)
  const left = files.entries()
  const work = async () => {
    for (const [at, { digest, size }] of left) {
      // Nothing has the checksum 0.
      if (size > 0) checksums[at] = await sumOf(await blobs.get(digest, { size, signal }))
    }
  }
  await Promise.all(Array.from({ length: readers }, work))
  return checksums
}

async function sumOf(bytes: ByteStream): Promise<number> {
  let sum = 0
  for await (const chunk of bytes) sum = crc32(chunk, sum)
  return sum
}

function proofOf(manifest: Digest, index: number, values: Buffer): Buffer {
  const told = Buffer.concat([Buffer.from(`artifact-store/crc32-page/1\n${manifest}\n${index}\n`), values])
  return Buffer.from(blake3(told).subarray(0, proofLength))
}

import { randomBytes } from 'node:crypto'
import { requireUploadName, type Segment } from '../segments.ts'

/** An object with a piece of an upload. */
export interface Piece {
  readonly key: string
  readonly size: number
}

const mebibyte = 1024 * 1024

/**
 * A name for a segment whose pieces have that size, in whole mebibytes. The size is part of the name, so that whoever goes on
 * with the upload cuts it in the same way, whatever its own settings are.
 */
export function newSegmentName(pieceSize: number): string {
  return (pieceSize / mebibyte).toString(16).padStart(4, '0') + randomBytes(6).toString('hex')
}

export function pieceSizeOf(name: string): number {
  return Number.parseInt(name.slice(0, 4), 16) * mebibyte
}

/** What the keys of all that there is of an upload begin with. @param uploads the key of all uploads */
export function uploadPlace(uploads: string, id: string): string {
  return `${uploads}${requireUploadName(id)}/`
}

/**
 * The piece of a segment that begins at `index` times the size of pieces. Its own size is part of its key: one that is shorter,
 * because the upload stopped there for a while, is another object and stays until the upload is over.
 */
export function pieceOf(place: string, segment: string, index: number, size: number): Piece {
  return { key: `${place}${segment}/${String(index).padStart(8, '0')}.${size}`, size }
}

/** The pieces that hold the bytes of a segment, in their order. */
export function piecesOf(place: string, { name, size }: Segment): readonly Piece[] {
  const pieceSize = pieceSizeOf(name)
  return Array.from({ length: Math.ceil(size / pieceSize) }, (_, index) =>
    pieceOf(place, name, index, Math.min(pieceSize, size - index * pieceSize)),
  )
}

import { ArtifactError } from '@artifact-store/core'

/** A page's end as clients carry it: opaque to them, so that it can change. */
export function encodeCursor(value: string | number): string {
  return Buffer.from(String(value)).toString('base64url')
}

export function decodeCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const value = Buffer.from(cursor, 'base64url').toString()
  // No text in the database holds U+0000.
  if (encodeCursor(value) !== cursor || value.includes('\u0000')) throw badCursor(cursor)
  return value
}

/** A cursor that holds a sequence. */
export function decodeSequenceCursor(cursor: string | undefined): number | undefined {
  const value = decodeCursor(cursor)
  if (cursor === undefined || value === undefined) return undefined
  if (!/^\d{1,15}$/.test(value)) throw badCursor(cursor)
  return Number(value)
}

function badCursor(cursor: string): ArtifactError {
  return new ArtifactError(
    'invalid-request',
    `"${cursor.slice(0, 100)}" is not a cursor of this list: take it from "next" of the page before`,
  )
}

import type { ByteRange } from '@artifact-store/blobs'
import { ArtifactError } from '@artifact-store/core'

/** A field with more ranges than this is answered with the whole, which costs less than its parts (RFC 9110, section 14.2). */
export const mostRanges = 64
/** What the head of another part takes, in bytes: ranges that are nearer to each other than this are sent as one. */
const partOverhead = 128

/**
 * Reads a `Range` field (RFC 9110, section 14.2) for a body of `size` bytes: the parts to send, in ascending order, none touching another, so that
 * whatever is asked for, no byte is sent twice. Ranges that begin behind the end are left out. Undefined where the whole is to be sent, as the
 * RFC allows for what is no list of byte ranges: other units, malformed fields, too many ranges.
 * @throws ArtifactError `range-not-satisfiable` when all of them begin behind the last byte.
 */
export function parseRanges(field: string | undefined, size: number): readonly ByteRange[] | undefined {
  const list = /^bytes=(.*)$/i.exec(field?.trim() ?? '')?.[1]
  if (list === undefined) return undefined
  const members = list.split(',', 2 * mostRanges).map(member => member.trim())
  const specs = members.filter(member => member !== '')
  if (specs.length === 0 || members.length === 2 * mostRanges || specs.length > mostRanges) return undefined

  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = parseSpec(spec, size)
    if (range === 'malformed') return undefined
    if (range !== undefined) ranges.push(range)
  }
  if (ranges.length === 0) {
    throw new ArtifactError('range-not-satisfiable', `the range begins behind the last of ${size} bytes`, { details: { size } })
  }
  // The last bytes of nothing are asked for: there is no way to say which those are.
  return size === 0 ? undefined : joined(ranges)
}

/** Undefined for a range that begins behind the end. */
function parseSpec(spec: string, size: number): ByteRange | 'malformed' | undefined {
  const match = /^(\d*)-(\d*)$/.exec(spec)
  if (!match) return 'malformed'
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return 'malformed'
  if (first === '') return Number(last) === 0 ? undefined : { start: Math.max(0, size - Number(last)), end: size }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return 'malformed'
  if (start >= size) return undefined
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}

function joined(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const parts: ByteRange[] = []
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = parts.at(-1)
    if (last === undefined || range.start > last.end + partOverhead) parts.push(range)
    else parts[parts.length - 1] = { start: last.start, end: Math.max(last.end, range.end) }
  }
  return parts
}

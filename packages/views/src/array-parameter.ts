import type { PgColumn } from './drizzle.ts'

/**
 * The values of one column of many rows, as one array parameter: binary where every value is one that the column holds, which both sides
 * handle several times faster than the text of an array; otherwise text, so that the database judges it in its own words.
 */
export function arrayParameter(column: PgColumn, values: readonly unknown[]): Buffer | unknown[] {
  const format = formats[column.getSQLType()]
  return (format && binaryArray(format, values)) ?? values.map(value => textOf(column, value))
}

function textOf(column: PgColumn, value: unknown): unknown {
  return value === null || value === undefined ? null : column.mapToDriverValue(value)
}

/** How the values of a type are written in PostgreSQL's binary format, in two steps so that the room that they need is known. */
interface BinaryFormat {
  readonly oid: number
  /** The value in the form that `write` takes; undefined where it is not of the type, or could mean another one in text. */
  readonly prepare: (value: unknown) => string | number | undefined
  /** The most bytes that it takes. */
  readonly room: (prepared: string | number) => number
  /** @returns the position behind it. */
  readonly write: (into: Buffer, at: number, prepared: string | number) => number
}

const formats: Readonly<Record<string, BinaryFormat>> = {
  text: {
    oid: 25,
    prepare: value => (typeof value === 'string' ? value : undefined),
    room: text => String(text).length * 3,
    write: (into, at, text) => at + into.write(String(text), at),
  },
  jsonb: {
    oid: 3802,
    prepare: value => JSON.stringify(value),
    room: text => 1 + String(text).length * 3,
    // The text behind the number of its format's version.
    write: (into, at, text) => into.writeUInt8(1, at) + into.write(String(text), at + 1),
  },
  bigint: {
    oid: 20,
    prepare: value => (typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined),
    room: () => 8,
    write: (into, at, number) => writeInt64(into, at, Math.floor(Number(number) / 2 ** 32), Number(number) >>> 0),
  },
  'timestamp(3) with time zone': {
    oid: 1184,
    prepare: value => (value instanceof Date && value >= yearOne && value < yearTenThousand ? value.getTime() : undefined),
    room: () => 8,
    write: writeMoment,
  },
  uuid: {
    oid: 2950,
    prepare: value => (typeof value === 'string' && uuid.test(value) ? value.replaceAll('-', '') : undefined),
    room: () => 16,
    write: (into, at, digits) => at + into.write(String(digits), at, 'hex'),
  },
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const year2000 = Date.UTC(2000, 0, 1)
const yearOne = new Date('0001-01-01T00:00:00.000Z')
const yearTenThousand = new Date('+010000-01-01T00:00:00.000Z')

/** Microseconds since the year 2000: more than a number holds exactly, so its two halves are computed apart. */
function writeMoment(into: Buffer, at: number, milliseconds: string | number): number {
  const since = Number(milliseconds) - year2000
  const low = (since - Math.floor(since / 2 ** 32) * 2 ** 32) * 1000
  return writeInt64(into, at, Math.floor(since / 2 ** 32) * 1000 + Math.floor(low / 2 ** 32), low % 2 ** 32)
}

function writeInt64(into: Buffer, at: number, high: number, low: number): number {
  return into.writeUInt32BE(low, into.writeInt32BE(high, at))
}

// What array_recv reads: dimensions, whether there are nulls, the type of the elements; length and lower bound of the dimension; then each
// element behind its length, -1 for null.
function binaryArray({ oid, prepare, room, write }: BinaryFormat, values: readonly unknown[]): Buffer | undefined {
  const prepared = new Array<string | number | null>(values.length)
  let size = 20
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    const ready = value === null || value === undefined ? null : prepare(value)
    if (ready === undefined) return undefined
    prepared[i] = ready
    size += 4 + (ready === null ? 0 : room(ready))
  }
  const into = Buffer.allocUnsafe(size)
  let at = 0
  for (const number of [1, 1, oid, values.length, 1]) at = into.writeInt32BE(number, at)
  for (const value of prepared) {
    const begin = at + 4
    at = value === null ? begin : write(into, begin, value)
    into.writeInt32BE(value === null ? -1 : at - begin, begin - 4)
  }
  return into.subarray(0, at)
}

/**
 * One-dimensional arrays in PostgreSQL's binary format (`array_recv`): dimensions, whether there are nulls, the element's type, the length, the
 * lower bound, then each element behind its length in bytes. The client would write an array as text, bytes in hexadecimal, which costs
 * both sides several times as much.
 */
export const textArray = (texts: readonly string[]): Buffer => utf8Array(typeIds.text, texts)
/** The texts in UTF-8 as `bytea`. */
export const utf8BytesArray = (texts: readonly string[]): Buffer => utf8Array(typeIds.bytea, texts)
export const byteaArray = (values: readonly Uint8Array[]): Buffer => variableArray(typeIds.bytea, values)
export const uuidArray = (values: readonly (Uint8Array | null)[]): Buffer => variableArray(typeIds.uuid, values)

export const integerArray = (values: readonly (number | null)[]): Buffer =>
  fixedArray(typeIds.int4, 4, values, (buffer, value, at) => buffer.writeInt32BE(value, at))

export const bigintArray = (values: readonly (number | null)[]): Buffer =>
  fixedArray(typeIds.int8, 8, values, (buffer, value, at) => buffer.writeBigInt64BE(BigInt(value), at))

export const booleanArray = (values: readonly boolean[]): Buffer =>
  fixedArray(typeIds.bool, 1, values, (buffer, value, at) => buffer.writeUInt8(Number(value), at))

/** Of PostgreSQL's catalogue (`pg_type.oid`); they never change. */
const typeIds = { bool: 16, bytea: 17, int8: 20, int4: 23, text: 25, uuid: 2950 } as const

const headBytes = 20
const lengthBytes = 4
const nullLength = -1

// One long copy costs far less than many short ones. Of ASCII the bytes are the characters, so all of it can be put together as text first.
function utf8Array(typeId: number, texts: readonly string[]): Buffer {
  const all = texts.join('')
  if (Buffer.byteLength(all) !== all.length)
    return variableArray(
      typeId,
      texts.map(text => Buffer.from(text)),
    )
  let elements = ''
  for (const text of texts) elements += lengthPrefix(text.length) + text
  const buffer = arrayOf(headBytes + elements.length, typeId, texts)
  buffer.write(elements, headBytes, 'latin1')
  return buffer
}

/** The length as four characters, each one byte in Latin-1. */
function lengthPrefix(length: number): string {
  return String.fromCharCode(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff)
}

function variableArray(typeId: number, values: readonly (Uint8Array | null)[]): Buffer {
  let size = headBytes
  for (const value of values) size += lengthBytes + (value?.length ?? 0)
  const buffer = arrayOf(size, typeId, values)
  let at = headBytes
  for (const value of values) {
    buffer.writeInt32BE(value?.length ?? nullLength, at)
    at += lengthBytes
    if (value) {
      buffer.set(value, at)
      at += value.length
    }
  }
  return buffer
}

function fixedArray<Value>(
  typeId: number,
  width: number,
  values: readonly (Value | null)[],
  write: (buffer: Buffer, value: Value, at: number) => void,
): Buffer {
  let size = headBytes
  for (const value of values) size += lengthBytes + (value === null ? 0 : width)
  const buffer = arrayOf(size, typeId, values)
  let at = headBytes
  for (const value of values) {
    buffer.writeInt32BE(value === null ? nullLength : width, at)
    at += lengthBytes
    if (value !== null) {
      write(buffer, value, at)
      at += width
    }
  }
  return buffer
}

function arrayOf(size: number, typeId: number, values: readonly unknown[]): Buffer {
  const buffer = Buffer.allocUnsafe(size)
  buffer.writeInt32BE(1, 0)
  buffer.writeInt32BE(values.includes(null) ? 1 : 0, 4)
  buffer.writeInt32BE(typeId, 8)
  buffer.writeInt32BE(values.length, 12)
  buffer.writeInt32BE(1, 16)
  return buffer
}

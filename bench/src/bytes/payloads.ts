import { createHash, randomFillSync } from 'node:crypto'
import type { Payload } from './contender.ts'

const mebibyte = 1024 * 1024
const block = 512
let last = 0

/** Bytes that nobody has seen before: the same random mebibyte again and again, with a number of its own in front. */
export function newPayload(size: number): Payload {
  last += 1
  const name = `${process.pid}-${String(last).padStart(9, '0')}`
  const first = Buffer.from(sample.subarray(0, Math.min(size, mebibyte)))
  first.write(name)
  const pieces = [first, ...Array.from({ length: Math.ceil(size / mebibyte) - 1 }, () => sample)]
  return { name, size, pieces, sha256: () => sha256Of(pieces) }
}

/** A tar stream (ustar) of so many new files of that size. */
export function newTar(files: number, size: number): readonly Uint8Array[] {
  const entries: Uint8Array[] = []
  for (let index = 0; index < files; index += 1) {
    const { name, pieces } = newPayload(size)
    entries.push(tarHeader(`tar/${name}`, size), ...pieces, Buffer.alloc(-size & (block - 1)))
  }
  entries.push(Buffer.alloc(2 * block))
  const whole = Buffer.concat(entries)
  return Array.from({ length: Math.ceil(whole.length / mebibyte) }, (_, index) =>
    whole.subarray(index * mebibyte, (index + 1) * mebibyte),
  )
}

function tarHeader(name: string, size: number): Uint8Array {
  const header = Buffer.alloc(block)
  header.write(name)
  for (const [value, at] of [
    ['0000644', 100],
    ['0000000', 108],
    ['0000000', 116],
    [size.toString(8).padStart(11, '0'), 124],
    ['00000000000', 136],
    ['        ', 148],
    ['0', 156],
    ['ustar\x0000', 257],
  ] as const)
    header.write(value, at)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

function sha256Of(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}

const sample = randomFillSync(Buffer.allocUnsafeSlow(mebibyte))

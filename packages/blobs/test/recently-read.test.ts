import { type Digest, digestFromBytes } from '@artifact-store/core'
import { expect, it } from 'vitest'
import { RecentlyRead } from '../src/disk/recently-read.ts'

function digest(number: number): Digest {
  const bytes = Buffer.alloc(32)
  bytes.writeUInt32BE(number)
  return digestFromBytes(bytes)
}

it('knows what was read before, and forgets what was read longest ago', () => {
  const read = new RecentlyRead()
  expect(read.note(digest(0))).toBe(false)
  expect(read.note(digest(1))).toBe(false)
  expect(read.note(digest(0))).toBe(true)
  for (let i = 2; i <= 1000; i += 1) read.note(digest(i))
  expect(read.note(digest(0))).toBe(true)
  expect(read.note(digest(1))).toBe(false)
})

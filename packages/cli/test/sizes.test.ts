import { describe, expect, it } from 'vitest'
import { count, formatBytes, formatSeconds, formatTime } from '../src/sizes.ts'

describe('sizes for a person', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
    [2 ** 53, '8.0 PiB'],
  ])('%i bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it.each([
    [0.4, '0 s'],
    [59.4, '59 s'],
    [187, '3:07'],
    [7387, '2:03:07'],
  ])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text))

  it('counts one thing and several', () => {
    expect([count(1, 'file'), count(2, 'file'), count(0, 'directory', 'directories')]).toEqual([
      '1 file',
      '2 files',
      '0 directories',
    ])
  })

  it('shows a time to the second', () => expect(formatTime('2026-11-23T01:10:05.123Z')).toBe('2026-11-23 01:10:05Z'))
})

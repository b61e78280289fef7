import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { openOutput } from '../src/output.ts'
import { ProgressBar } from '../src/progress-bar.ts'
import { plainProgress, renderProgress } from '../src/progress-line.ts'
import { displayWidth } from '../src/table.ts'

const half = {
  label: 'pushing',
  fraction: 0.5,
  filesDone: 3,
  filesTotal: 10,
  bytesDone: 5 * 1024 * 1024,
  bytesTotal: 10 * 1024 * 1024,
}

describe('a line of progress', () => {
  it('shows how much is done, how fast, and how long it may take', () => {
    expect(renderProgress(half, 10, 200)).toBe(
      `pushing  ${'█'.repeat(12)}${'░'.repeat(12)}   50 %  5.0 MiB of 10.0 MiB  3 of 10 files  512.0 KiB/s  10 s left`,
    )
  })

  it('never is wider than the terminal', () => {
    for (let columns = 7; columns < 120; columns++)
      expect(displayWidth(renderProgress(half, 10, columns))).toBeLessThanOrEqual(columns)
  })

  it('says 100 % at the end and not before, and bears fractions that are none', () => {
    expect(renderProgress({ ...half, fraction: 0.9999 }, 10, 80)).toContain(' 99 %')
    expect(renderProgress({ ...half, fraction: 1 }, 10, 80)).toContain('100 %')
    expect(renderProgress({ ...half, fraction: 1.2 }, 10, 80)).toContain('100 %')
  })

  it('is a sentence where there is no terminal', () => {
    expect(plainProgress(half)).toBe('pushing: 50 %, 5.0 MiB of 10.0 MiB, 3 of 10 files')
  })
})

describe('a progress bar', () => {
  function open(isTTY: boolean) {
    const stderr = Object.assign(new PassThrough(), { isTTY, columns: 80 })
    const output = openOutput(new PassThrough(), stderr, new AbortController().signal)
    const written = () => String(stderr.read() ?? '')
    return { output, written }
  }

  it('makes room for a note, is drawn again below it, and leaves nothing behind', () => {
    const { output, written } = open(true)
    {
      using bar = new ProgressBar(output)
      bar.update(half)
      output.note('something happened')
      expect(written()).toContain('\r\x1b[2Kartifact: something happened\npushing ')
    }
    expect(written()).toBe('\r\x1b[2K')
    output.note('later')
    expect(written()).toBe('artifact: later\n')
  })

  it('draws nothing where there is no terminal', () => {
    const { output, written } = open(false)
    {
      using bar = new ProgressBar(output)
      bar.update(half)
      output.note('something happened')
    }
    expect(written()).toBe('artifact: something happened\n')
  })
})

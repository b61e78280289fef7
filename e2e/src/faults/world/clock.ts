import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The wall clock of some processes, which can be stepped. Clocks that count from a start stay as they are, as on a real machine. */
export interface Clock {
  /** The environment of the processes that go by it. */
  readonly environment: Readonly<Record<string, string>>
  /** Lets it differ from the true time by so many seconds; they see it within a second. */
  stepTo(offsetSeconds: number): void
}

/** libfaketime (Debian: libfaketime), which answers in the place of the C library; undefined where it is not installed. */
export function findFakeClock(): string | undefined {
  for (const directory of libraryDirectories()) {
    const folder = join(directory, 'faketime')
    if (entriesOf(folder).includes('libfaketime.so.1')) return join(folder, 'libfaketime.so.1')
  }
  return undefined
}

export function openClock(library: string, file: string): Clock {
  const stepTo: Clock['stepTo'] = offset => writeFileSync(file, `${offset < 0 ? '' : '+'}${offset}\n`)
  stepTo(0)
  return {
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_RESET: '1',
    },
    stepTo,
  }
}

function libraryDirectories(): string[] {
  return ['/usr/lib', '/usr/local/lib', ...entriesOf('/usr/lib').map(name => join('/usr/lib', name))]
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

import type { StoredEvent } from '@artifact-store/core'
import type { LogReader } from '@artifact-store/log'
import { drain } from '@artifact-store/views'
import { describe, expect, it } from 'vitest'

describe('drain', () => {
  it('hands over everything behind a position once and in order, and answers where it ended', async () => {
    const seen: number[] = []
    expect(await drain(logOf(100, 10), takeInto(seen), { after: 7, batchSize: 10 })).toBe(100)
    expect(seen).toEqual(Array.from({ length: 93 }, (_, i) => i + 8))
  })

  it('answers where it began when there is nothing behind it', async () => {
    expect(await drain(logOf(5, 10), takeInto([]), { after: 5, batchSize: 10 })).toBe(5)
  })

  it('begins with a few events and takes twice as many each time, up to what it was told', async () => {
    expect(await sizesOf(logOf(600, 10), 300)).toEqual([16, 32, 64, 128, 256, 104])
    expect(await sizesOf(logOf(10, 10), 4)).toEqual([4, 4, 2])
    expect(await sizesOf(logOf(3, 10), 1)).toEqual([1, 1, 1])
  })

  it('takes no more large events at once than make two megabytes, and at least one', async () => {
    const mebibyte = 2 ** 20
    expect(await sizesOf(logOf(70, mebibyte / 4), 1000)).toEqual([16, 8, 8, 8, 8, 8, 8, 6])
    expect((await sizesOf(logOf(20, 5 * mebibyte), 1000)).slice(1)).toEqual([1, 1, 1, 1])
  })

  it('ends by an abort, between two batches', async () => {
    const abort = new AbortController()
    const seen: number[] = []
    const take = async (events: readonly StoredEvent[]) => {
      abort.abort(new Error('enough'))
      return takeInto(seen)(events)
    }
    await expect(drain(logOf(100, 10), take, { after: 0, batchSize: 10, signal: abort.signal })).rejects.toThrow('enough')
    expect(seen).toHaveLength(10)
  })

  it('goes on from where the events were taken to, whatever was handed over', async () => {
    const seen: number[] = []
    const onlyFirst = async ([first]: readonly StoredEvent[]) => takeInto(seen)(first ? [first] : [])
    expect(await drain(logOf(5, 10), onlyFirst, { after: 0, batchSize: 10 })).toBe(5)
    expect(seen).toEqual([1, 2, 3, 4, 5])
  })
})

describe('drain, while a batch is applied', () => {
  it('reads the next one, if there may be more', async () => {
    const log = logOf(100, 10)
    const happened: string[] = []
    const watched: LogReader = {
      ...log,
      fetchSince: (after, limit) => {
        happened.push(`read ${after}`)
        return log.fetchSince(after, limit)
      },
    }
    const take = async (events: readonly StoredEvent[]) => {
      happened.push(`take ${events.length}`)
      return events.at(-1)?.sequence ?? 0
    }
    await drain(watched, take, { after: 0, batchSize: 32 })
    expect(happened).toEqual(['read 0', 'read 16', 'take 16', 'read 48', 'take 32', 'read 80', 'take 32', 'take 20', 'read 100'])
  })

  it('is not told of a failure to read ahead before it comes to that', async () => {
    const seen: number[] = []
    const log = logOf(100, 10)
    const broken: LogReader = {
      ...log,
      fetchSince: (after, limit) => (after > 0 ? Promise.reject(new Error('the disk is gone')) : log.fetchSince(after, limit)),
    }
    await expect(drain(broken, takeInto(seen), { after: 0, batchSize: 10 })).rejects.toThrow('the disk is gone')
    expect(seen).toHaveLength(10)
    const failing = () => Promise.reject(new Error('cannot be applied'))
    await expect(drain(broken, failing, { after: 0, batchSize: 10 })).rejects.toThrow('cannot be applied')
  })
})

/** A log of so many events with payloads of so many bytes. */
function logOf(length: number, bytes: number): LogReader {
  const payloadJson = 'x'.repeat(bytes)
  const event = (sequence: number): StoredEvent => ({
    sequence,
    eventType: 'v1.note.written',
    subjectKind: 'note',
    subjectId: 'note',
    subjectRevision: sequence,
    actor: 'ci',
    createdAt: new Date(0),
    payload: {},
    payloadJson,
    payloadDigest: new Uint8Array(32),
  })
  return {
    fetchSince: async (after, limit) => Array.from({ length: Math.min(limit, length - after) }, (_, i) => event(after + i + 1)),
    head: async () => length,
  }
}

function takeInto(seen: number[]) {
  return async (events: readonly StoredEvent[]) => {
    seen.push(...events.map(({ sequence }) => sequence))
    return seen.at(-1) ?? 0
  }
}

async function sizesOf(log: LogReader, batchSize: number): Promise<number[]> {
  const sizes: number[] = []
  await drain(
    log,
    async events => {
      sizes.push(events.length)
      return events.at(-1)?.sequence ?? 0
    },
    { after: 0, batchSize },
  )
  return sizes
}

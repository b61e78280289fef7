import { blake3, canonicalJson, type Digest, digestFromBytes, type JsonObject } from '@artifact-store/core'
import { memoryArchive } from '@artifact-store/testkit'
import { describe, expect, it } from 'vitest'
import type { ArchiveStore } from '../src/archive/archive-store.ts'
import { openSegment, proveSegment, type SegmentEntry } from '../src/archive/open-segment.ts'
import { segmentCache } from '../src/archive/segment-cache.ts'
import { type ArchivedEvent, eventLine, headerLine, parseEventLine, parseHeader } from '../src/archive/segment-lines.ts'
import { writeSegment } from '../src/archive/write-segment.ts'

const texts = ['plain', 'Grüße, 你好, 👩‍🚀', '"\\/\b\f\n\r\t\u001f\u007f\u2028\ufeff', ',"payload":', '","payload":{"x":1}', '']

function event(sequence: number, input: Partial<ArchivedEvent> & { payload?: JsonObject } = {}): ArchivedEvent {
  const { payload = {}, ...given } = input
  const payloadJson = given.payloadJson ?? canonicalJson(payload)
  return {
    sequence,
    subjectRevision: 1,
    createdAt: new Date(1_700_000_000_000 + sequence),
    eventType: 'v1.package.touched',
    subjectKind: 'package',
    subjectId: `p${sequence}`,
    actor: 'tester',
    payloadJson,
    payloadDigest: Buffer.from(blake3(payloadJson)),
    ...given,
  }
}

const events = (first: number, count: number, make = (n: number) => event(n)) =>
  Array.from({ length: count }, (_, i) => make(first + i))

async function write(list: readonly ArchivedEvent[], store: ArchiveStore): Promise<SegmentEntry> {
  const [first, last] = [list[0]?.sequence ?? 0, list.at(-1)?.sequence ?? 0]
  async function* pages() {
    for (let at = 0; at < list.length; at += 7) yield list.slice(at, at + 7)
  }
  return writeSegment(store, { firstSequence: first, lastSequence: last, pages: pages() })
}

/** A store whose one object is these bytes, under whatever digest it is asked for. */
function holding(bytes: Uint8Array): ArchiveStore {
  const refuse = () => Promise.reject(new Error('nothing is written here'))
  async function* all() {
    yield bytes
  }
  return { put: refuse, stat: async () => ({ size: bytes.length }), get: async () => all() }
}

async function bytesOf(store: ArchiveStore, { digest, bytes: size }: SegmentEntry): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await store.get(digest, { size })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('a line of a segment', () => {
  it.each(texts)('says an event with all its fields, whatever its texts are: %j', text => {
    const one = event(12, {
      eventType: text,
      subjectKind: text,
      subjectId: text,
      actor: text,
      payload: { [text]: text, payload: [text] },
    })
    const line = eventLine(one)
    expect(line.indexOf('\n')).toBe(line.length - 1)
    expect(parseEventLine(line.slice(0, -1))).toEqual({ ...one, payload: JSON.parse(one.payloadJson) })
    expect(JSON.parse(line)).toMatchObject({ sequence: 12, actor: text, payload: { [text]: text } })
  })

  it('keeps the bytes of a payload that is not canonical, and the key of an append', () => {
    const odd = event(3, {
      payloadJson: '{ "a":\n 1.0,\r\n"a" : 2 }',
      append: { key: '00000000-0000-0000-0000-0000000000ff', events: 4 },
    })
    expect(eventLine(odd)).toContain('"payloadText":')
    expect(parseEventLine(eventLine(odd).slice(0, -1))).toMatchObject({ payloadJson: odd.payloadJson, append: odd.append })
  })

  it.each(['', '[]', '{"sequence":1}', 'x', eventLine(event(1)).slice(0, 60)])('is refused when it is no event: %s', line => {
    expect(() => parseEventLine(line)).toThrow(expect.objectContaining({ kind: 'archive-damaged' }))
  })

  it('tells a version that is not known from one that is', () => {
    expect(parseHeader(headerLine(1, 9).trim())).toEqual({
      format: 'artifact-store-log-segment',
      version: 1,
      firstSequence: 1,
      lastSequence: 9,
    })
    expect(() => parseHeader(headerLine(1, 9).replace('"version":1', '"version":2'))).toThrow('version 2')
    expect(() => parseHeader('{"format":"something else","version":1}')).toThrow('does not say that it is a segment')
    expect(() => parseHeader('{"format":"artifact-store-log-segment","version":1}')).toThrow('no range')
  })
})

describe('a segment', () => {
  it('gives back what was written, from any event on, and proves it', async () => {
    await using store = await memoryArchive()
    const list = events(101, 50, n => event(n, { payload: { n, text: texts[n % texts.length] ?? '' }, subjectId: `s${n % 4}` }))
    const entry = await write(list, store)
    const segment = await openSegment(store, entry)
    const expected = list.map(e => ({ ...e, payload: JSON.parse(e.payloadJson) }))
    for (const after of [0, 100, 101, 120, 149, 150])
      for (const limit of [1, 10, 100])
        expect(segment.events(after, limit, {})).toEqual(expected.filter(e => e.sequence > after).slice(0, limit))
    expect(segment.events(110, 100, { subject: { kind: 'package', id: 's2' } }).map(e => e.sequence)).toEqual(
      list.filter(e => e.subjectId === 's2' && e.sequence > 110).map(e => e.sequence),
    )
    await expect(proveSegment(store, entry)).resolves.toHaveLength(32)
  })

  it('is not misled by payloads that look like what is asked for', async () => {
    await using store = await memoryArchive()
    const trap = { eventType: 'v1.rare.happened', note: '"eventType":"v1.rare.happened","subjectId":"wanted"' }
    const list = events(1, 20, n =>
      event(
        n,
        n === 13
          ? { eventType: 'v1.rare.happened', subjectId: 'wanted', payload: trap }
          : { payload: { ...trap, subjectId: 'wanted' } },
      ),
    )
    const segment = await openSegment(store, await write(list, store))
    expect(segment.events(0, 10, { types: ['v1.rare.happened'] }).map(e => e.sequence)).toEqual([13])
    expect(segment.events(0, 10, { subject: { kind: 'package', id: 'wanted' } }).map(e => e.sequence)).toEqual([13])
    expect(segment.events(0, 10, { subject: { kind: 'blob', id: 'wanted' } })).toEqual([])
    expect(segment.events(0, 10, { types: [] })).toEqual([])
  })

  it('is the same object when the same events are written again', async () => {
    await using one = await memoryArchive()
    await using other = await memoryArchive()
    expect(await write(events(1, 30), one)).toEqual(await write(events(1, 30), other))
  })

  it('that is cut short, goes on, or has another byte is refused by its name, wherever that is', async () => {
    await using store = await memoryArchive()
    const entry = await write(events(1, 40), store)
    const bytes = await bytesOf(store, entry)
    const damaged = [
      Buffer.alloc(0),
      Buffer.from('no Zstandard at all, but text'),
      ...[1, 10, bytes.length - 5, bytes.length - 1].map(length => bytes.subarray(0, length)),
      ...Array.from({ length: 60 }, (_, i) => {
        const copy = Buffer.from(bytes)
        const at = Math.floor((i * bytes.length) / 60)
        copy.writeUInt8(copy.readUInt8(at) ^ (1 << (i % 8)), at)
        return copy
      }),
    ]
    const original = (await openSegment(store, entry)).events(0, 100, {})
    for (const copy of damaged) {
      const read = await openSegment(holding(copy), entry).then(
        segment => segment.events(0, 100, {}),
        (error: unknown) => error,
      )
      // A bit that Zstandard does not use changes nothing; in a checked store it would not get so far.
      if (Array.isArray(read)) expect(read).toEqual(original)
      else
        expect(read).toMatchObject({
          kind: 'archive-damaged',
          message: expect.stringContaining(`${entry.digest} with the events 1 to 40`),
        })
    }
  })

  it('that holds other events than the log says, or other payloads than their digests, is refused', async () => {
    await using store = await memoryArchive()
    const entry = await write(events(1, 10), store)
    await expect(openSegment(store, { ...entry, lastSequence: 9 })).rejects.toMatchObject({ kind: 'archive-damaged' })
    await expect(openSegment(store, { ...entry, plainBytes: entry.plainBytes - 1 })).rejects.toThrow('more than')
    await expect(openSegment(store, { ...entry, plainBytes: entry.plainBytes + 1 })).rejects.toThrow('and not the')
    const other: Digest = digestFromBytes(blake3('something else'))
    await expect(openSegment(store, { ...entry, digest: other })).rejects.toMatchObject({
      kind: 'archive-damaged',
      message: expect.stringContaining('is not in the archive'),
    })
    const wrong = await write([event(1, { payloadDigest: Buffer.alloc(32) })], store)
    await expect(proveSegment(store, wrong)).rejects.toThrow('the payload of event 1 is not what its digest is of')
    const swapped = await write([event(1), event(3), event(2), event(4)], store)
    await expect(proveSegment(store, swapped)).rejects.toThrow('where event 2 should be, there is 3')
    const missing = await write([event(1), event(3)], store)
    await expect(openSegment(store, missing)).rejects.toThrow('ends after 2 of 3 events')
  })
})

describe('the segments that were read last', () => {
  it('are opened once for all who ask, two at a time, and kept within their bytes', async () => {
    await using store = await memoryArchive()
    const entries = await Promise.all([1, 11, 21, 31, 41].map(first => write(events(first, 10), store)))
    const opened: number[] = []
    let now = 0
    let most = 0
    const cache = segmentCache(
      async entry => {
        opened.push(entry.firstSequence)
        most = Math.max(most, ++now)
        try {
          return await openSegment(store, entry)
        } finally {
          now -= 1
        }
      },
      2 * (await openSegment(store, entries[4] as SegmentEntry)).bytes,
    )
    await Promise.all([...entries, ...entries].map(entry => cache.open(entry)))
    expect(opened).toHaveLength(5)
    expect(most).toBe(2)
    for (const entry of entries.slice(3)) await cache.open(entry)
    expect(opened).toHaveLength(5)
    await cache.open(entries[0] as SegmentEntry)
    expect(opened).toHaveLength(6)
  })

  it('are tried again when they could not be opened', async () => {
    await using store = await memoryArchive()
    const entry = await write(events(1, 10), store)
    let attempts = 0
    const cache = segmentCache(given => {
      attempts += 1
      return attempts === 1 ? Promise.reject(new Error('away')) : openSegment(store, given)
    }, 0)
    await expect(cache.open(entry)).rejects.toThrow('away')
    expect((await cache.open(entry)).events(0, 3, {})).toHaveLength(3)
  })
})

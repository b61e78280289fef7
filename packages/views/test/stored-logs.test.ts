import { readFileSync } from 'node:fs'
import {
  asKnown,
  blake3,
  canonicalEnvelope,
  canonicalJson,
  catalogue,
  releasedDefinition,
  type StoredEvent,
} from '@artifact-store/core'
import { maxFetch } from '@artifact-store/log'
import { hashFiles, insertEvents, readStoredLog, storedIndex, storedVersions, viewRows } from '@artifact-store/testkit'
import { replay, stateDigest } from '@artifact-store/views'
import { describe, expect, it } from 'vitest'
import { openTestViews } from './test-views.ts'

describe.each(storedVersions())('the log that %s wrote', version => {
  const { events, envelopesDigest, state, schemas } = readStoredLog(version)

  it('is whole: no number, no revision and no time is out of order', () => {
    expect(events.length).toBeGreaterThan(0)
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1))
    const revisions = new Map<string, number>()
    for (const { subjectKind, subjectId, subjectRevision, sequence } of events) {
      const subject = `${subjectKind}/${subjectId}`
      expect(subjectRevision, `event ${sequence}`).toBe((revisions.get(subject) ?? 0) + 1)
      revisions.set(subject, subjectRevision)
    }
    const times = events.map(({ createdAt }) => createdAt.getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  it('has the bytes that were hashed, in the one form that they have', () => {
    for (const { payloadJson, payload, payloadDigest, sequence } of events) {
      expect(canonicalJson(payload), `event ${sequence}`).toBe(payloadJson)
      expect(Buffer.from(blake3(payloadJson)).equals(payloadDigest), `event ${sequence}`).toBe(true)
    }
  })

  it('has the same envelopes as then', () => {
    const envelopes = events.map(event => `${canonicalEnvelope(event)}\n`).join('')
    expect(Buffer.from(blake3(envelopes)).toString('hex')).toBe(envelopesDigest)
  })

  it('has only events that their own version still takes, and that are read as the newest version says', () => {
    for (const event of events) {
      const { eventType, payload, sequence } = event
      expect(releasedDefinition(eventType)?.payload.safeParse(payload).error, `event ${sequence}`).toBeUndefined()
      const known = asKnown(frozen(event))
      if (known) expect(catalogue[known.eventType].payload.safeParse(known.payload).error, `event ${sequence}`).toBeUndefined()
    }
  })

  it.each(Object.keys(schemas))('has types that say today what they said then, so that every reader reads the same: %s', type => {
    // A new shape is a new version of the type, beside this one: CONTRIBUTING.md.
    expect(releasedDefinition(type)?.payload.toJSONSchema()).toEqual(schemas[type])
  })

  it.each([1000, 3])('is replayed into what its views showed then, in batches of %i', async batchSize => {
    await using views = await openTestViews()
    await insertEvents(views.database.pool, events)
    expect(await views.log.fetchSince(0, maxFetch)).toEqual(events)
    expect(await replay(views.log, views.writer, { reset: false, batchSize })).toBe(events.length)
    const rows = await viewRows(views.reader)
    expect(rows.map(line => JSON.parse(line))).toEqual(
      Object.entries(state.views).flatMap(([view, of]) => of.map(row => ({ view, row }))),
    )
    expect(await stateDigest(views.reader)).toEqual({ position: state.position, digest: state.digest })
  })
})

describe('the stored logs', () => {
  it('have one of the version in package.json: `npm run store-log` makes it', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
    expect(storedVersions()).toContain(version)
  })

  it('are those that were released, byte for byte', () => {
    expect(Object.fromEntries(storedVersions().map(version => [version, hashFiles(version)]))).toEqual(storedIndex())
  })
})

/** An upcaster that changed what it is given would throw. */
function frozen(event: StoredEvent): StoredEvent {
  deepFreeze(event.payload)
  return Object.freeze(event)
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const part of Object.values(value)) deepFreeze(part)
  Object.freeze(value)
}

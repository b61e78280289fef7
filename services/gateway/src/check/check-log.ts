import { blake3, isArtifactError, type RecordedEvent } from '@artifact-store/core'
import type { LogReader } from '@artifact-store/log'
import type { Finding, Progress } from './finding.ts'

const pageSize = 1000

/**
 * Reads the whole log, up to where it ended at the beginning: the numbers go on without a gap, the times never backwards, and each payload has the
 * digest that was made of it when it was appended. A part that cannot be read at all ends it, as what follows has nothing to be compared with.
 * @returns the last event that was looked at.
 */
export async function* checkLog(
  log: LogReader<RecordedEvent>,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<Finding, number> {
  const head = await log.head()
  let previous: RecordedEvent | undefined
  for (let after = 0; after < head; ) {
    signal.throwIfAborted()
    const page = await readPage(log, after, Math.min(pageSize, head - after))
    if ('says' in page) {
      yield page
      return after
    }
    for (const event of page.events) {
      yield* findingsAbout(event, previous)
      previous = event
    }
    progress.done += page.events.length
    after = previous?.sequence ?? head
    if (page.events.length === 0) {
      yield { part: 'log', at: String(after + 1), says: `the events ${after + 1} to ${head} are missing` }
      return after
    }
  }
  return head
}

function* findingsAbout(event: RecordedEvent, previous: RecordedEvent | undefined): Generator<Finding> {
  const { sequence, createdAt, payloadJson, payloadDigest } = event
  const expected = (previous?.sequence ?? 0) + 1
  const finding = (says: string): Finding => ({ part: 'log', at: String(sequence), says })
  if (sequence !== expected)
    yield finding(
      sequence === expected + 1 ? `event ${expected} is missing` : `the events ${expected} to ${sequence - 1} are missing`,
    )
  if (previous && createdAt < previous.createdAt)
    yield finding(
      `it was made at ${createdAt.toISOString()}, before the one in front of it (${previous.createdAt.toISOString()})`,
    )
  if (!Buffer.from(payloadDigest).equals(blake3(payloadJson)))
    yield finding('its payload does not have the digest that was recorded')
}

async function readPage(
  log: LogReader<RecordedEvent>,
  after: number,
  limit: number,
): Promise<{ events: readonly RecordedEvent[] } | Finding> {
  try {
    return { events: await log.fetchSince(after, limit) }
  } catch (error) {
    if (!isAboutData(error)) throw error
    return { part: 'log', at: String(after + 1), says: `from here on it cannot be read: ${error.message}` }
  }
}

/** What is wrong with what is stored, and not with the way to it. SQLSTATE 22: data that cannot be read; XX: damage that PostgreSQL found. */
function isAboutData(error: unknown): error is Error {
  if (isArtifactError(error, 'archive-damaged')) return true
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(22|XX)/.test(error.code)
}

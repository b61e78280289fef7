import { randomUUID } from 'node:crypto'
import { type Append, type AppendOutcome, type AppendPort, maxFetch, openRemoteLog, postgresLogReader } from '@artifact-store/log'
import { createTestDatabase, type ServiceUnderTest, startTcpProxy, type TestDatabase } from '@artifact-store/testkit'
import { describe, expect, it } from 'vitest'
import { startLogWriter, token, unknownEvent } from './test-log-writer.ts'

// Each starts several processes, which takes its time where the machine has other things to do.
describe('two log-writers', { timeout: 120_000 }, () => {
  it('answer every append of many callers once, though the preferred one is killed among them and comes back', async () => {
    await using database = await createTestDatabase()
    await using preferred = await startLogWriter(database.urlFor('log_writer'))
    await using standby = await startLogWriter(database.urlFor('log_writer'))
    await using log = openRemoteLog({ urls: [new URL(preferred.url), new URL(standby.url)], token })
    const answers: Answer[] = []
    const enough = Promise.withResolvers<void>()
    const back = Promise.withResolvers<void>()
    const callers = Array.from({ length: 24 }, async (_, caller) => {
      for (let n = 0; n < 20; n++) {
        // The second half begins when the preferred one is back.
        if (n === 15) await back.promise
        const append = numbered(`caller-${caller}`, n)
        answers.push({ append, outcome: await log.append(append) })
        if (answers.length > 100) enough.resolve()
      }
    })
    await enough.promise
    await preferred.kill()
    await using returned = await startLogWriter(database.urlFor('log_writer'), { PORT: new URL(preferred.url).port })
    back.resolve()
    await Promise.all(callers)

    expect(answers.filter(({ outcome }) => outcome.outcome !== 'appended' && outcome.outcome !== 'repeated')).toEqual([])
    expect(answers).toHaveLength(24 * 20)
    await expectExactly(database, answers)
    expect(await appendsOf(standby)).toBeGreaterThan(0)
    // And in the end it is the preferred one that is asked.
    const more = async () => {
      await log.append(numbered(randomUUID(), 0))
      return appendsOf(returned)
    }
    await expect.poll(more, { timeout: 20_000 }).toBeGreaterThan(0)
  })

  it('may be used at once: conditions hold, and the numbers have no hole', async () => {
    await using database = await createTestDatabase()
    await using first = await startLogWriter(database.urlFor('log_writer'))
    await using second = await startLogWriter(database.urlFor('log_writer'))
    await using one = openRemoteLog({ urls: [new URL(first.url)], token })
    await using other = openRemoteLog({ urls: [new URL(second.url)], token })
    // All want the same next revision of a few subjects, through either.
    const answers: Answer[] = []
    const conflicts: AppendOutcome[] = []
    const rivals = Array.from({ length: 16 }, async (_, rival) => {
      const log: AppendPort = rival % 2 === 0 ? one : other
      for (let revision = 0; revision < 15; ) {
        const append = numbered(`subject-${rival % 3}`, revision)
        const outcome = await log.append(append)
        if (outcome.outcome === 'appended') answers.push({ append, outcome })
        else conflicts.push(outcome)
        revision = outcome.outcome === 'conflict' ? outcome.currentRevision : revision + 1
      }
    })
    await Promise.all(rivals)
    expect(answers).toHaveLength(3 * 15)
    expect(conflicts.length).toBeGreaterThan(0)
    for (const conflict of conflicts) expect(conflict).toMatchObject({ outcome: 'conflict', reason: 'revision' })
    await expectExactly(database, answers)
    expect(await appendsOf(first)).toBeGreaterThan(0)
    expect(await appendsOf(second)).toBeGreaterThan(0)
  })

  it('answer a repeat as the first was, whichever of them had it, and one that was started since', async () => {
    await using database = await createTestDatabase()
    await using first = await startLogWriter(database.urlFor('log_writer'))
    await using second = await startLogWriter(database.urlFor('log_writer'))
    const through = async (service: ServiceUnderTest, append: Append) => {
      await using log = openRemoteLog({ urls: [new URL(service.url)], token })
      return await log.append(append)
    }
    const append = numbered('a', 0)
    const answer = await through(first, append)
    expect(answer).toMatchObject({ outcome: 'appended', firstSequence: 1, lastSequence: 1 })
    const repeated = { ...answer, outcome: 'repeated' }
    expect(await through(second, append)).toEqual(repeated)
    expect(await through(first, append)).toEqual(repeated)
    const reused = { ...numbered('b', 0), key: append.key }
    expect(await through(second, reused)).toEqual({ outcome: 'key-reused', firstSequence: 1, lastSequence: 1 })
    await first.kill()
    await second.kill()
    await using third = await startLogWriter(database.urlFor('log_writer'))
    expect(await through(third, append)).toEqual(repeated)
    expect(await postgresLogReader(database.pool).head()).toBe(1)
  })

  it('answer an append once, though the first had it done and its answer never came', async () => {
    await using database = await createTestDatabase()
    const url = new URL(database.urlFor('log_writer'))
    await using proxy = await startTcpProxy(Number(url.port))
    url.port = String(proxy.port)
    await using cutOff = await startLogWriter(url.href)
    await using standby = await startLogWriter(database.urlFor('log_writer'))
    await using log = openRemoteLog({ urls: [new URL(cutOff.url), new URL(standby.url)], token, attemptMs: 1000 })
    proxy.holdAnswers()
    const append = numbered('a', 0)
    expect(await log.append(append)).toMatchObject({ outcome: 'repeated', firstSequence: 1, lastSequence: 1 })
    expect(await postgresLogReader(database.pool).head()).toBe(1)
    proxy.releaseAnswers()
  })
})

interface Answer {
  readonly append: Append
  readonly outcome: AppendOutcome
}

/** The event that makes revision `n` + 1 of its subject, and only that. */
function numbered(id: string, n: number): Append {
  return {
    key: randomUUID(),
    conditions: [{ subject: { kind: 'thing', id }, revision: n }],
    events: [unknownEvent({ n }, id)],
  }
}

/** The log holds what was answered, at the sequences that were told, and nothing else. */
async function expectExactly(database: TestDatabase, answers: readonly Answer[]): Promise<void> {
  const stored = await postgresLogReader(database.pool).fetchSince(0, maxFetch)
  expect(stored.map(({ sequence }) => sequence)).toEqual(Array.from({ length: answers.length }, (_, i) => i + 1))
  const byRevision = Map.groupBy(stored, ({ subjectId }) => subjectId)
  for (const [id, events] of byRevision)
    expect(
      events.map(({ subjectRevision, payload }) => [subjectRevision, payload['n']]),
      id,
    ).toEqual(events.map((_, i) => [i + 1, i]))
  for (const { append, outcome } of answers) {
    if (!('createdAt' in outcome)) return expect.fail(`an append was answered by ${outcome.outcome}`)
    expect(outcome.lastSequence).toBe(outcome.firstSequence)
    const event = stored[outcome.firstSequence - 1]
    expect(event).toMatchObject({ subjectId: append.events[0].subjectId, payloadJson: append.events[0].payloadJson })
    expect(event?.createdAt).toEqual(outcome.createdAt)
  }
}

/** How many appends that process has put into the log. */
/** How many it has answered: on a busy machine all that were appended may have gone through one, while the other refused. */
async function appendsOf(service: ServiceUnderTest): Promise<number> {
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  return [...metrics.matchAll(/^artifact_store_appends_total\{[^}]*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )
}

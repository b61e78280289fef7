import { openPostgresLog, postgresLogReader } from '@artifact-store/log'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { subject, testAppend, testEvent } from './test-event.ts'
import { useTestLog } from './test-log.ts'

const test = await useTestLog()

/** Fills the log with many events; one type in ten thousand is rare, and one subject has a long history. */
async function fill(events: number): Promise<void> {
  await test.database.pool.query(
    `insert into log.events
     select n, case when n % 3 = 0 then n / 3 else 1 end, now(), case when n % 10000 = 0 then 'v1.rare.happened' else 'v1.common.happened' end,
            'package', case when n % 3 = 0 then 'busy' else 'quiet ' || n end, 'someone', '{}', decode(repeat('00', 32), 'hex'),
            log.key_digest('old key ' || n), 1
       from generate_series(1, $1::bigint) n`,
    [events],
  )
}

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Plan[]
}

/** What the statements on one connection did to the log's tables, as PostgreSQL's auto_explain tells it. */
class Watched {
  /** One connection, always the same. */
  readonly pool = new Pool({ connectionString: test.database.url, max: 1, idleTimeoutMillis: 0 })
  #plans: Plan[] = []

  async open(): Promise<void> {
    this.pool.on('connect', client =>
      client.on('notice', ({ message = '' }) => {
        const json = message.slice(message.indexOf('{'))
        if (message.includes('plan:')) this.#plans.push((JSON.parse(json) as { Plan: Plan }).Plan)
      }),
    )
    await this.pool.query(`load 'auto_explain'; set client_min_messages = log; set auto_explain.log_min_duration = 0;
      set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on; set auto_explain.log_timing = off;
      set auto_explain.log_format = json; set auto_explain.log_parameter_max_length = 0`)
  }

  /** The scans of `work`'s statements: each table's ways of reading, and how many rows were looked at in all. */
  async scans(work: () => Promise<unknown>): Promise<{ kinds: ReadonlySet<string>; rows: number }> {
    this.#plans = []
    await work()
    await this.pool.query('select 1')
    const nodes = this.#plans
      .flatMap(allNodes)
      .filter(node => node['Relation Name'] !== undefined && node['Node Type'].includes('Scan'))
    const looked = (node: Plan) =>
      ((node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0)) * (node['Actual Loops'] ?? 1)
    // A partition that is still empty may be read in any way.
    return {
      kinds: new Set(nodes.filter(looked).map(node => node['Node Type'])),
      rows: nodes.reduce((sum, node) => sum + looked(node), 0),
    }
  }
}

function allNodes(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(allNodes)]
}

const watched = new Watched()
beforeAll(() => watched.open())
afterAll(() => watched.pool.end())

const byIndex = new Set(['Index Scan', 'Index Only Scan'])
const size = 60_000

describe('on a log of many events', () => {
  it('an append looks at a few rows for each event, by index, with a plan that was made while the log was empty too', async () => {
    const log = openPostgresLog(watched.pool)
    const appendMany = (count: number, prefix: string) =>
      Promise.all(
        Array.from({ length: count }, (_, i) => {
          const about = i % 2 === 0 ? subject('busy') : subject(`${prefix} ${i}`)
          return log.append(testAppend(testEvent(about), { conditions: [{ subject: about, unsealed: true }] }))
        }),
      )
    await log.append(testAppend(testEvent(), { conditions: [{ subject: subject(), revision: 1 }] }))
    expect(await log.head()).toBe(0)
    await fill(size)
    for (const [count, prefix, statistics] of [
      [1, 'one', 'select 1'],
      [300, 'many', 'select 1'],
      [1, 'one more', 'vacuum analyze log.events'],
      [300, 'many more', 'select 1'],
    ] as const) {
      await test.database.pool.query(statistics)
      const { kinds, rows } = await watched.scans(() => appendMany(count, prefix))
      expect(kinds.intersection(byIndex).size).toBeGreaterThan(0)
      expect(kinds.difference(byIndex)).toEqual(new Set())
      expect(rows).toBeLessThan(count * 5 + 20)
    }
  })

  it.each([
    ['everything', {}, 100],
    ['a rare type', { types: ['v1.rare.happened', 'v1.never.happened'] }, 100],
    ['a common type', { types: ['v1.common.happened', 'v1.rare.happened'] }, 100],
    ['a subject with a short history', { subject: subject('quiet 31') }, 100],
    ['a subject with a long history', { subject: subject('busy') }, 100],
  ])('reading %s looks at little more than it returns', async (_, filter, limit) => {
    await fill(size)
    const reader = postgresLogReader(watched.pool, filter)
    // At the start, in the middle and at the end, where a tail waits; often enough for PostgreSQL to change to a generic plan.
    const starts = [0, 0, 0, 30_000, 30_000, 30_000, 59_997, 59_997, 59_997]
    for (const statistics of ['select 1', 'vacuum analyze log.events']) {
      await test.database.pool.query(statistics)
      for (const start of starts) {
        let returned = 0
        const { kinds, rows } = await watched.scans(async () => {
          returned = (await reader.fetchSince(start, limit)).length
        })
        expect(kinds.difference(new Set([...byIndex, 'Bitmap Heap Scan']))).toEqual(new Set())
        expect(rows).toBeGreaterThanOrEqual(returned)
        expect(rows).toBeLessThanOrEqual(returned * 3 + 10)
      }
    }
  })
})

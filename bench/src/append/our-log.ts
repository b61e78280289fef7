import { randomUUID } from 'node:crypto'
import { makeEvent, newPackageId } from '@artifact-store/core'
import { type AppendPort, logMigrations, migrate, openPostgresLog } from '@artifact-store/log'
import pg from 'pg'
import { type Contender, samplePayload } from './contender.ts'

/** Our log used as a library, with a revision condition and an idempotency key on every append. */
export async function openOurLog(url: string): Promise<Contender> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await migrate(client, [logMigrations])
  await client.end()
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  const log = openPostgresLog(pool)
  return { append: events => appendThrough(log, events), [Symbol.asyncDispose]: () => pool.end() }
}

export async function appendThrough(log: AppendPort, count: number): Promise<void> {
  const id = newPackageId()
  const event = (number: number) =>
    makeEvent({
      type: 'v1.package.created',
      subjectId: id,
      actor: 'user:alice@example.com',
      payload: samplePayload(number) as never,
    })
  const outcome = await log.append({
    key: randomUUID(),
    conditions: [{ subject: { kind: 'package', id }, revision: 0 }],
    events: [event(0), ...Array.from({ length: count - 1 }, (_, i) => event(i + 1))],
  })
  if (outcome.outcome !== 'appended') throw new Error(`the append was answered by ${outcome.outcome}`)
}

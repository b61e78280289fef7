import { randomUUID } from 'node:crypto'
import type { NewEvent } from '@artifact-store/core'
import { openPostgresLog } from '@artifact-store/log'
import { type ServiceUnderTest, startService } from '@artifact-store/testkit'
import { createViewWriter, replay, type StateDigest, stateDigest } from '@artifact-store/views'
import type { Pool } from 'pg'
import { expect } from 'vitest'

/** A projector on that database, in small batches so that much can happen between two. */
export function startProjector(
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {},
  until: 'ready' | 'listening' = 'ready',
): Promise<ServiceUnderTest> {
  return startService('projector', { until, env: { DATABASE_URL: databaseUrl, PROJECTOR_BATCH: '20', ...env } })
}

/** Appends a history in its order, some events at a time, as a burst of traffic does. */
export async function appendBurst(pool: Pool, history: readonly NewEvent[], atOnce = 10): Promise<void> {
  const log = openPostgresLog(pool)
  for (let at = 0; at < history.length; at += atOnce) {
    const [first, ...others] = history.slice(at, at + atOnce)
    if (first) await log.append({ key: randomUUID(), conditions: [], events: [first, ...others] })
  }
}

export interface Position {
  readonly position: number
  readonly head: number
  readonly lag: number
  readonly appliedAt: string | null
}

export async function positionOf(service: ServiceUnderTest): Promise<Position> {
  const response = await fetch(`${service.url}/v1/position`)
  expect(response.status).toBe(200)
  return (await response.json()) as Position
}

/** Returns when the projector has applied everything up to there. */
export async function untilAt(service: ServiceUnderTest, position: number): Promise<void> {
  await expect.poll(async () => (await positionOf(service)).position, { timeout: 20_000, interval: 20 }).toBe(position)
}

export interface Readiness {
  readonly http: number
  readonly status: string
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>
}

export async function readinessOf(service: ServiceUnderTest): Promise<Readiness> {
  const response = await fetch(`${service.url}/health/ready`)
  return { http: response.status, ...((await response.json()) as Omit<Readiness, 'http'>) }
}

/** Returns when readiness is as it should be; health is asked again every second at most. */
export async function untilReadiness(service: ServiceUnderTest, expected: object): Promise<void> {
  await expect.poll(() => readinessOf(service), { timeout: 20_000, interval: 100 }).toMatchObject(expected)
}

/** The value of each sample of the metrics, by its name and labels. */
export async function metricsOf(service: ServiceUnderTest): Promise<Record<string, number>> {
  const text = await (await fetch(`${service.url}/metrics`)).text()
  const samples = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    samples.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

/** The views are what a replay of the whole log makes of them. No projector may run. */
export async function expectFreshReplayEqual(pool: Pool): Promise<StateDigest> {
  const live = await stateDigest(pool)
  await replay(openPostgresLog(pool), createViewWriter(pool), { reset: true })
  expect(await stateDigest(pool)).toEqual(live)
  return live
}

/** Writes down every move of the checkpoint that commits, in the order of their happening: the checkpoint's row is locked meanwhile. */
export async function recordCheckpoints(superuser: Pool): Promise<void> {
  await superuser.query(`
    create table moves (id bigint generated always as identity, moved_from bigint not null, moved_to bigint not null);
    create function record_move() returns trigger language plpgsql security definer as $$
    begin
      insert into public.moves (moved_from, moved_to) values (old.position, new.position);
      return null;
    end $$;
    create trigger record_move after update on views.checkpoints for each row execute function record_move()`)
}

/** Every move of the checkpoint began where the one before had ended. */
export async function expectEachAppliedOnce(superuser: Pool): Promise<void> {
  const { rows } = await superuser.query<{ moved_from: string; moved_to: string }>(
    'select moved_from, moved_to from moves order by id',
  )
  expect(rows.map(({ moved_from }) => moved_from)).toEqual(['0', ...rows.slice(0, -1).map(({ moved_to }) => moved_to)])
}

import { ArtifactError } from '@artifact-store/core'
import type { Queryable } from '@artifact-store/log'
import type { Comparison } from './compare-states.ts'

/** Something that is done with the views as a whole; one at a time, by a projector, at the wish of an administrator. */
export interface ViewTask {
  readonly id: number
  readonly kind: ViewTaskKind
  readonly phase: ViewTaskPhase
  readonly requestedBy: string
  readonly requestedAt: Date
  /** Null while it is under way. */
  readonly finishedAt: Date | null
  /** How far it is; where the new views took over, or where the live ones were compared. Null before it began. */
  readonly position: number | null
  /** What a verification found. */
  readonly result: Comparison | null
  /** Why it failed. */
  readonly error: string | null
  /** Whether a process works on it at this moment. One that is interrupted is taken up again by any projector. */
  readonly isWorkedOn: boolean
}

export type ViewTaskKind = 'rebuild' | 'verification'

/** `waiting`, then `building` and `swapping` or `replaying` and `comparing`, then one of the three in which it ends. */
export type ViewTaskPhase = 'waiting' | 'building' | 'swapping' | 'replaying' | 'comparing' | 'done' | 'failed' | 'discarded'

/**
 * Asks for a task, as the gateway. @returns its id.
 * @throws ArtifactError `views-busy` while another is under way, and for a rebuild while the views from before the last one are kept.
 */
export async function requestViewTask(connection: Queryable, kind: ViewTaskKind, actor: string): Promise<number> {
  const { rows } = await connection.query<{ id: number | string | null; refusal: string | null; other: number | string | null }>({
    text: 'select id, refusal, other from views_admin.request_task($1, $2)',
    values: [kind, actor],
  })
  const [answer] = rows
  if (typeof answer?.id === 'number' || typeof answer?.id === 'string') return Number(answer.id)
  if (answer?.refusal === 'previous-kept') {
    throw new ArtifactError(
      'views-busy',
      'the views from before the last rebuild are still kept: drop them first (artifact admin rebuild drop-previous)',
      { details: { reason: 'previous-kept' } },
    )
  }
  const task = Number(answer?.other ?? 0)
  throw new ArtifactError(
    'views-busy',
    `task ${task} is under way, and there is one at a time: wait for it or give it up (artifact admin rebuild status tells of it)`,
    { details: { reason: 'busy', task } },
  )
}

/** The newest tasks, newest first. */
export async function listViewTasks(connection: Queryable, limit: number): Promise<ViewTask[]> {
  const { rows } = await connection.query<TaskRow>({ text: `${selectTasks} order by id desc limit $1`, values: [limit] })
  return rows.map(toTask)
}

export async function findViewTask(connection: Queryable, id: number): Promise<ViewTask | undefined> {
  const { rows } = await connection.query<TaskRow>({ text: `${selectTasks} where id = $1`, values: [id] })
  return rows.map(toTask)[0]
}

/** Gives a task up, as the gateway; one that has ended stays as it is. The live views stay as they are in any case. */
export async function discardViewTask(connection: Queryable, id: number): Promise<void> {
  await connection.query({ text: 'select views_admin.discard_task($1)', values: [id] })
}

/** The position of the views that were live before the last rebuild, while they are kept. */
export async function previousViewsPosition(connection: Queryable): Promise<number | undefined> {
  const { rows } = await connection.query<{ position: number | string | null }>({
    text: `select views_admin.position_of('views_previous') as position`,
  })
  const position = rows[0]?.position ?? undefined
  return position === undefined ? undefined : Number(position)
}

/** Drops them, as the gateway. @throws ArtifactError `views-busy` while somebody reads them. */
export async function dropPreviousViews(connection: Queryable): Promise<void> {
  try {
    await connection.query({ text: 'select views_admin.drop_previous()' })
  } catch (cause) {
    if (!hasSqlState(cause, sqlStates.lockNotAvailable)) throw cause
    throw new ArtifactError(
      'views-busy',
      'somebody reads the views from before the last rebuild: drop them when that has ended',
      {
        cause,
        details: { reason: 'read' },
      },
    )
  }
}

/** The task that is to be worked on, as the projector; also clears away what one that was given up has left. */
export async function nextViewTask(connection: Queryable): Promise<ViewTask | undefined> {
  const { rows } = await connection.query<TaskRow>({
    text: `select t.*, null::bigint as reached, false as is_worked_on from views_admin.next_task() t`,
  })
  return rows.map(toTask)[0]
}

/** Ends a task, as the projector, with what a person should know of it. */
export async function failViewTask(connection: Queryable, id: number, reason: string): Promise<void> {
  await connection.query({ text: 'select views_admin.fail_task($1, $2)', values: [id, reason] })
}

/** @throws ArtifactError `revision-conflict` when the task was given up, or has ended in another way. */
export async function requireUnderWay(connection: Queryable, id: number): Promise<void> {
  const { rows } = await connection.query({
    name: 'view-task-under-way',
    text: 'select from views_admin.tasks where id = $1 and finished_at is null',
    values: [id],
  })
  if (rows.length === 0) throw new ArtifactError('revision-conflict', `task ${id} is not under way any more`)
}

/** Those that the functions of `migrations/0002_rebuild_and_verify.sql` raise, and some of PostgreSQL's own. */
export const sqlStates = {
  stale: 'VT002',
  behind: 'VT003',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  deadlock: '40P01',
} as const

export function hasSqlState(error: unknown, ...states: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && states.includes(error.code)
}

const selectTasks = `
  select t.*, finished_at is null and views_admin.is_worked_on() as is_worked_on,
         case when finished_at is not null then position
              else views_admin.position_of(case kind when 'rebuild' then 'views_next' else 'views_scratch' end) end as reached
    from views_admin.tasks t`

interface TaskRow {
  readonly id: number | string
  readonly kind: ViewTaskKind
  readonly phase: ViewTaskPhase
  readonly requested_by: string
  readonly requested_at: Date
  readonly finished_at: Date | null
  readonly reached: number | string | null
  readonly result: Comparison | null
  readonly error: string | null
  readonly is_worked_on: boolean
}

function toTask(row: TaskRow): ViewTask {
  return {
    id: Number(row.id),
    kind: row.kind,
    phase: row.phase,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    finishedAt: row.finished_at,
    position: row.reached === null ? null : Number(row.reached),
    result: row.result,
    error: row.error,
    isWorkedOn: row.is_worked_on,
  }
}

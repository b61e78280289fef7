import {
  rebuildViews,
  requestViewTask,
  type Verification,
  type ViewTaskKind,
  type ViewTaskOptions,
  verifyViews,
} from '@artifact-store/views'
import { Pool } from 'pg'
import type { TestViews } from './test-views.ts'

/** A task on the views that was asked for, to be worked on as often as the test wants. */
export interface TestTask {
  readonly id: number
  /** As a projector does, over connections of its own. */
  rebuild(options?: Partial<ViewTaskOptions>): Promise<number>
  verify(options?: Partial<ViewTaskOptions>): Promise<Verification>
  /** Ends every connection over which it is worked on, as the death of the process does. */
  cut(): Promise<void>
}

export async function requestTask(views: TestViews, kind: ViewTaskKind): Promise<TestTask> {
  const id = await requestViewTask(views.reader, kind, 'admin')
  const application = `task ${id}`
  const withPool = async <T>(work: (pool: Pool) => Promise<T>): Promise<T> => {
    const pool = new Pool({ connectionString: views.database.urlFor('projector'), application_name: application, max: 3 })
    pool.on('error', () => undefined)
    try {
      return await work(pool)
    } finally {
      await pool.end()
    }
  }
  const signal = new AbortController().signal
  return {
    id,
    rebuild: options => withPool(pool => rebuildViews(id, { log: views.log, pool, signal, batchSize: 50, ...options })),
    verify: options => withPool(pool => verifyViews(id, { log: views.log, pool, signal, batchSize: 50, ...options })),
    async cut() {
      await views.database.pool.query(
        'select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1',
        [application],
      )
    },
  }
}

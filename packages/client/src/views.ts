import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import { pause } from './http/retry.ts'
import { type CallOptions, digest, time } from './wire.ts'

/** Any text: a store that is newer than this client may know more. */
const word = z.string()

const taskSchema = z.looseObject({
  id: z.int(),
  kind: word,
  phase: word,
  workedOn: z.boolean(),
  requestedAt: time,
  requestedBy: z.string(),
  finishedAt: time.optional(),
  position: z.int().optional(),
  error: z.string().optional(),
})
/** Something that is done with the views as a whole: a `rebuild`, or a `verification`. It has ended when it has a `finishedAt`. */
export type ViewTask = z.infer<typeof taskSchema>

const comparisonSchema = z.looseObject({
  live: digest,
  fresh: digest,
  tables: z.array(
    z.looseObject({
      table: z.string(),
      live: z.int(),
      fresh: z.int(),
      missing: z.int(),
      extra: z.int(),
      different: z.int(),
    }),
  ),
  differences: z.array(
    z.looseObject({
      table: z.string(),
      kind: word,
      key: z.record(z.string(), z.string()),
      columns: z.array(z.looseObject({ column: z.string(), live: z.string().nullable(), fresh: z.string().nullable() })),
    }),
  ),
})
/** How the live views stand to those that a fresh replay of the log makes: the same where both digests are. */
export type ViewsComparison = z.infer<typeof comparisonSchema>

const taskWithResultSchema = taskSchema.extend({ result: comparisonSchema.optional() })
export type ViewTaskWithResult = z.infer<typeof taskWithResultSchema>

const viewsSchema = z.looseObject({
  position: z.int(),
  head: z.int(),
  previous: z.int().optional(),
  tasks: z.array(taskSchema),
})
export type ViewsStatus = z.infer<typeof viewsSchema>

/** How often a task is asked after, in milliseconds. */
const pollMs = 500

/** The views of the log as a whole. Needs a token with the `admin` scope. */
export class Views {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** How far they are, what was done with them, and whether those from before the last rebuild are kept. */
  async status(options: CallOptions = {}): Promise<ViewsStatus> {
    return this.#caller.json({ method: 'GET', path: '/v1/admin/views', signal: options.signal }, viewsSchema)
  }

  /**
   * Has them made anew beside the live ones, which they replace; those are kept until `dropPrevious`. Answers as soon as it is asked for. Is not
   * retried: a second attempt would find the first one under way.
   * @throws ArtifactError `views-busy`
   */
  async rebuild(options: CallOptions = {}): Promise<ViewTask> {
    return this.#request('rebuild', options)
  }

  /** Has the live ones compared with a fresh replay. Answers as soon as it is asked for. @throws ArtifactError `views-busy` */
  async verify(options: CallOptions = {}): Promise<ViewTask> {
    return this.#request('verification', options)
  }

  /** A task, and what it found. */
  async task(id: number, options: CallOptions = {}): Promise<ViewTaskWithResult> {
    return this.#caller.json({ method: 'GET', path: taskPath(id), signal: options.signal }, taskWithResultSchema)
  }

  /** The task when it has ended, in whatever way; told of now and then before that. */
  async ended(
    id: number,
    options: CallOptions & { readonly onProgress?: (task: ViewTaskWithResult) => void } = {},
  ): Promise<ViewTaskWithResult> {
    for (;;) {
      const task = await this.task(id, options)
      if (task.finishedAt !== undefined) return task
      options.onProgress?.(task)
      await pause(pollMs, options.signal)
    }
  }

  /** Gives a task up; one that has ended stays as it is. */
  async discard(id: number, options: CallOptions = {}): Promise<void> {
    await this.#caller.nothing({ method: 'DELETE', path: taskPath(id), signal: options.signal })
  }

  /** Drops the views from before the last rebuild, if they are kept. @throws ArtifactError `views-busy` while somebody reads them. */
  async dropPrevious(options: CallOptions = {}): Promise<void> {
    await this.#caller.nothing({ method: 'DELETE', path: '/v1/admin/views/previous', signal: options.signal })
  }

  async #request(kind: 'rebuild' | 'verification', { signal }: CallOptions): Promise<ViewTask> {
    return this.#caller.json(
      { method: 'POST', path: '/v1/admin/views/tasks', json: { kind }, signal, retry: 'never' },
      taskSchema,
    )
  }
}

function taskPath(id: number): string {
  return `/v1/admin/views/tasks/${id}`
}

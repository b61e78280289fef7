import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import { type CallOptions, time } from './wire.ts'

const archiveSchema = z.looseObject({
  head: z.int(),
  archivedTo: z.int(),
  tableBegins: z.int(),
  segments: z.int(),
  bytes: z.int(),
  partitions: z.array(
    z.looseObject({
      firstSequence: z.int(),
      lastSequence: z.int(),
      /** `attached`, `detached` or `dropped`; a store that is newer than this client may know more. */
      state: z.string(),
      since: time.optional(),
    }),
  ),
})
/** How much of the log is in its archive. `partitions` begins with the oldest. */
export type LogArchiveStatus = z.infer<typeof archiveSchema>

/** The archive that the oldest part of the log moves to. Needs a token with the `admin` scope. */
export class LogArchive {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** How far it is, and where each partition of the log is. */
  async status(options: CallOptions = {}): Promise<LogArchiveStatus> {
    return this.#caller.json({ method: 'GET', path: '/v1/admin/archive', signal: options.signal }, archiveSchema)
  }
}

import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import { eachLine } from './http/each-line.ts'
import type { CallOptions } from './wire.ts'

const finding = z.looseObject({ kind: z.literal('finding'), part: z.string(), at: z.string(), says: z.string() })
const progress = z.looseObject({ kind: z.literal('progress'), part: z.string(), done: z.int(), bytes: z.int() })
const summary = z.looseObject({
  done: z.literal(true),
  head: z.int(),
  events: z.int(),
  blobs: z.int(),
  files: z.int(),
  bytes: z.int(),
  findings: z.int(),
})
const line = z.union([finding, progress, summary.transform(({ done: _, ...rest }) => ({ kind: 'summary' as const, ...rest }))])

/** What an examination of the store tells: what is not as it should be, how far it is, and at its end what it looked at. */
export type ExaminationLine = z.output<typeof line>

/** Looks at all that is stored. Needs a token with the `admin` scope. */
export class Examination {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /**
   * Looks whether the log is whole and every blob that it names is there; with `readBytes`, whether every byte of them is right. The summary is the last line.
   * @throws ArtifactError where it could not be finished.
   */
  async *run({
    readBytes = false,
    signal,
  }: CallOptions & { readonly readBytes?: boolean } = {}): AsyncGenerator<ExaminationLine, void> {
    const response = await this.#caller.stream({
      method: 'GET',
      path: '/v1/admin/examination',
      query: { bytes: String(readBytes) },
      signal,
    })
    try {
      for await (const text of eachLine(response)) yield line.parse(text)
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#caller.connectionFailure(error) ?? error
    } finally {
      response.body.destroy()
    }
  }
}

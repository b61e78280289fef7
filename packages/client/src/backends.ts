import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import { eachLine } from './http/each-line.ts'
import { type CallOptions, time } from './wire.ts'

const backendSchema = z.looseObject({
  /** Left out by gateways that knew of one only. */
  name: z.string().optional(),
  role: z.string().optional(),
  address: z.string(),
  trouble: z.string().optional(),
  examinedAt: time.optional(),
  capabilities: z.array(z.looseObject({ capability: z.string(), works: z.boolean(), seen: z.string() })),
})
/** A place where the bytes are, and what a gateway found about it. */
export type Backend = z.infer<typeof backendSchema>

const soFar = {
  blobs: z.int(),
  bytes: z.int(),
  copied: z.int(),
  copiedBytes: z.int(),
  removed: z.int(),
  damaged: z.int(),
}
const damaged = z.looseObject({ kind: z.literal('damaged'), digest: z.string(), store: z.string() })
const progress = z.looseObject({ kind: z.literal('progress'), ...soFar, fraction: z.number() })
const summary = z
  .looseObject({ done: z.literal(true), from: z.string(), to: z.string(), ...soFar })
  .transform(({ done: _, ...rest }) => ({ kind: 'summary' as const, ...rest }))
const migrationLine = z.union([damaged, progress, summary])

/** What a migration tells: each blob that is damaged, how far it is, and at its end what was done. */
export type MigrationLine = z.output<typeof migrationLine>
export type MigrationSummary = z.output<typeof summary>

/** Two backends, by name or address, as `list` tells them. */
export interface Migration {
  readonly from: string
  readonly to: string
  /** Whether each blob is removed from the source when it was proven to be in the target. */
  readonly remove?: boolean | undefined
}

const backendsSchema = z.looseObject({ backends: z.array(backendSchema) })

/** Where the bytes are. Needs a token with the `admin` scope. */
export class Backends {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** What the gateway knows of them without asking them. */
  async list(options: CallOptions = {}): Promise<readonly Backend[]> {
    const { backends } = await this.#caller.json({ method: 'GET', path: '/v1/backends', signal: options.signal }, backendsSchema)
    return backends
  }

  /** Has their capabilities tried again. @throws ArtifactError `backend-unavailable` when one cannot be reached. */
  async examine(options: CallOptions = {}): Promise<readonly Backend[]> {
    const call = { method: 'POST', path: '/v1/backends/examine', signal: options.signal } as const
    return (await this.#caller.json(call, backendsSchema)).backends
  }

  /**
   * Copies or moves the blobs of one backend into another. It stops when the caller stops reading, or goes away; the same call goes on behind what was copied. The
   * summary is the last line.
   * @throws ArtifactError `stores-busy` when that is done already; where it could not be finished, why.
   */
  async *migrate({ from, to, remove = false }: Migration, { signal }: CallOptions = {}): AsyncGenerator<MigrationLine, void> {
    const json = { from, to, remove }
    const response = await this.#caller.stream({ method: 'POST', path: '/v1/backends/migrate', json, signal })
    try {
      for await (const text of eachLine(response)) yield migrationLine.parse(text)
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#caller.connectionFailure(error) ?? error
    } finally {
      response.body.destroy()
    }
  }
}

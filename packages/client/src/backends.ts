import { z } from 'zod'
import type { Caller } from './http/caller.ts'
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
}

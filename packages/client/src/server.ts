import { isArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import { readAll } from './http/answer.ts'
import type { Caller } from './http/caller.ts'
import { type CallOptions, time } from './wire.ts'

const checks = z.record(
  z.string(),
  z.looseObject({ ok: z.boolean(), state: z.string().optional(), detail: z.string().optional() }),
)

const healthSchema = z.looseObject({ name: z.string(), version: z.string(), status: z.string(), checks })
/** What a gateway says of itself to anybody. */
export type Health = z.infer<typeof healthSchema>

const statusSchema = z.looseObject({
  version: z.string(),
  now: time,
  token: z.looseObject({ actor: z.string(), scopes: z.array(z.string()) }),
  log: z.looseObject({
    head: z.int(),
    writers: z.array(
      z.looseObject({ ready: z.boolean(), version: z.string().optional(), trouble: z.string().optional(), checks }),
    ),
  }),
  views: z.looseObject({ position: z.int(), waitingSince: time.optional(), projectorLeads: z.boolean() }),
  stream: z.looseObject({ relayLeads: z.boolean() }),
  blobs: z.looseObject({
    trouble: z.string().optional(),
    space: z.looseObject({ free: z.int(), total: z.int() }).optional(),
  }),
})
/** How the whole deployment is, as far as the gateway can tell. */
export type ServerStatus = z.infer<typeof statusSchema>

/** What answered a question for its health. */
export interface HealthAnswer {
  readonly httpStatus: number
  /** Undefined where what answered is no gateway. */
  readonly health: Health | undefined
  /** Its clock, in whole seconds (RFC 9110, section 6.6.1). */
  readonly date: Date | undefined
}

/** How a stream of events began: `silent`, no byte of it came in time. */
export type StreamBeginning =
  | { readonly kind: 'live' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'other'; readonly httpStatus: number; readonly contentType: string }

/** The gateway itself. */
export class Server {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Whether it can do its work at this moment; false also when nothing answers. Asks once. */
  async isReady(options: CallOptions = {}): Promise<boolean> {
    try {
      await this.#caller.nothing({ method: 'GET', path: '/health/ready', signal: options.signal, retry: 'never' })
      return true
    } catch (error) {
      if (isArtifactError(error)) return false
      throw error
    }
  }

  /** What answers there, whether or not it is a gateway and well. Asks once. @throws ArtifactError `backend-unavailable` when nothing does. */
  async look(options: CallOptions = {}): Promise<HealthAnswer> {
    const response = await this.#caller.look({ method: 'GET', path: '/health', signal: options.signal })
    const text = (await readAll(response.body)).toString()
    const date = response.headers.get('date')
    return {
      httpStatus: response.status,
      health: healthSchema.safeParse(parseJson(text)).data,
      date: date === null ? undefined : new Date(date),
    }
  }

  /** How the whole deployment is. Asks once, as it is asked to find out what does not answer. */
  async status(options: CallOptions = {}): Promise<ServerStatus> {
    return this.#caller.json({ method: 'GET', path: '/v1/status', signal: options.signal, retry: 'never' }, statusSchema)
  }

  /**
   * Opens the stream of events behind `after` and waits for the first byte, which a gateway sends at once: one that does not come is held back
   * on its way.
   */
  async beginStream(after: number, patienceMs: number, { signal }: CallOptions = {}): Promise<StreamBeginning> {
    const late = AbortSignal.timeout(patienceMs)
    try {
      const response = await this.#caller.look({
        method: 'GET',
        path: '/v1/events',
        query: { after },
        headers: { accept: 'text/event-stream' },
        signal: signal ? AbortSignal.any([signal, late]) : late,
      })
      try {
        const contentType = response.headers.get('content-type') ?? ''
        if (response.status !== 200 || !contentType.startsWith('text/event-stream'))
          return { kind: 'other', httpStatus: response.status, contentType }
        for await (const _ of response.body) return { kind: 'live' }
        return { kind: 'silent' }
      } finally {
        response.body.destroy()
      }
    } catch (error) {
      if (late.aborted && !signal?.aborted) return { kind: 'silent' }
      throw error
    }
  }

  /** The OpenAPI document that describes every call. */
  async openapi(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#caller.json({ method: 'GET', path: '/openapi.json', signal: options.signal }, z.record(z.string(), z.unknown()))
  }

  /** The AsyncAPI document that describes every event. */
  async asyncapi(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#caller.json({ method: 'GET', path: '/asyncapi.json', signal: options.signal }, z.record(z.string(), z.unknown()))
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

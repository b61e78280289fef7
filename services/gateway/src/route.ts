import type { ErrorKind } from '@artifact-store/core'
import type { AppEnv } from '@artifact-store/service'
import type { Scope } from '@artifact-store/views'
import type { Context } from 'hono'
import { z } from 'zod'
import type { GatewayContext } from './context.ts'
import type { Caller } from './http/authenticate.ts'

/** What a body is: JSON of a schema, read whole within a limit, or bytes that the handler streams. */
type Body<Schema extends z.ZodType> =
  | {
      readonly kind: 'json'
      readonly schema: Schema
      readonly optional?: boolean
      /** What it may be instead: bytes of that media type, which the handler streams; `body` is undefined then. */
      readonly or?: { readonly mediaType: string; readonly description: string }
    }
  | { readonly kind: 'bytes'; readonly description: string; readonly optional?: boolean }

export interface Answer {
  readonly description: string
  readonly schema?: z.ZodType
  readonly mediaType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Another form of it, e.g. for another kind of body. */
  readonly or?: { readonly mediaType: string; readonly schema: z.ZodType }
}

/**
 * One call of the API: its address, who may make it, what it takes and answers, and the handler. The router, the OpenAPI
 * document and the checks of the request are all made from this, so they cannot disagree.
 */
export interface Route<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Schema extends z.ZodType = z.ZodType,
> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete' | 'options'
  /** An OpenAPI template. A parameter `{path}` takes the rest of the address, slashes included. */
  readonly path: `/${string}`
  /** The operation's id, `verbNoun`. */
  readonly id: string
  readonly summary: string
  readonly description?: string
  readonly scope: Scope
  readonly params?: Params
  readonly query?: Query
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Body<Schema>
  readonly answers: Readonly<Record<number, Answer>>
  /** What it may refuse with, beside what every call may. */
  readonly problems: readonly ErrorKind[]
  readonly handle: (call: Call<z.output<Params>, z.output<Query>, z.output<Schema>>) => Promise<Response>
}

/** A request whose caller is known and whose parts have been parsed. */
interface Call<Params, Query, Body> {
  readonly c: Context<AppEnv>
  readonly gateway: GatewayContext
  readonly caller: Caller
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Aborts when the client goes away or the gateway stops. */
  readonly signal: AbortSignal
}

const nothing = z.object({})

export function defineRoute<
  Params extends z.ZodObject = typeof nothing,
  Query extends z.ZodObject = typeof nothing,
  Schema extends z.ZodType = z.ZodUndefined,
>(route: Route<Params, Query, Schema>): Route {
  // The handler is called only with what these schemas have parsed (mount.ts), which is what its type asks for.
  return route as unknown as Route
}

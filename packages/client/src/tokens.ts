import { parseTokenId } from '@artifact-store/core'
import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import { type CallOptions, time } from './wire.ts'

/** What a token allows; `admin` contains the others. */
export type TokenScope = 'read' | 'write' | 'admin'

const tokenSchema = z.looseObject({
  id: z.string(),
  actor: z.string(),
  // Any text: a store that is newer than this client may know more scopes.
  scopes: z.array(z.string()),
  description: z.string().optional(),
  issuedAt: time,
  issuedBy: z.string(),
  expiresAt: time.optional(),
  revokedAt: time.optional(),
})
/** A token without its secret. */
export type Token = z.infer<typeof tokenSchema>

const issuedSchema = tokenSchema.extend({ token: z.string() })
/** A token at the only moment at which its secret (`token`) is shown. */
export type IssuedToken = z.infer<typeof issuedSchema>

export interface NewToken {
  /** Who the events of this token's writes will name. */
  readonly actor: string
  readonly scopes: readonly TokenScope[]
  readonly description?: string | undefined
  /** RFC 3339; never where nothing is said. */
  readonly expiresAt?: string | undefined
}

/** Needs a token with the `admin` scope. */
export class Tokens {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Is not retried: a second attempt would issue a second token, whose secret nobody has seen. */
  async issue(input: NewToken, options: CallOptions = {}): Promise<IssuedToken> {
    return this.#caller.json(
      { method: 'POST', path: '/v1/tokens', json: input, signal: options.signal, retry: 'never' },
      issuedSchema,
    )
  }

  async list(options: CallOptions = {}): Promise<Token[]> {
    const call = { method: 'GET', path: '/v1/tokens', signal: options.signal } as const
    return (await this.#caller.json(call, z.looseObject({ tokens: z.array(tokenSchema) }))).tokens
  }

  /** From then on the token opens nothing. @throws ArtifactError `token-not-found` */
  async revoke(id: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.nothing({ method: 'DELETE', path: `/v1/tokens/${parseTokenId(id)}`, signal: options.signal })
  }
}

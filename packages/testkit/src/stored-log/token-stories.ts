import type { NewEvent } from '@artifact-store/core'
import { contentOf, longReason, textOf } from './sample-values.ts'
import { tell } from './tell.ts'

/** Tokens that were issued, and taken back. */
export function tokenStories(): NewEvent[] {
  const id = (digit: string) => digit.repeat(32)
  return [
    tell('v1.token.issued', id('0'), { secretDigest: contentOf('secret 0').digest, actor: 'a', scopes: ['read'] }),
    tell('v1.token.revoked', id('0'), {}),
    tell('v1.token.issued', id('f'), {
      secretDigest: contentOf('secret f').digest,
      actor: textOf(200),
      scopes: ['admin', 'write', 'read'],
      description: textOf(500),
      expiresAt: '9999-12-31T23:59:59.999Z',
    }),
    tell('v1.token.revoked', id('f'), { reason: longReason() }),
    tell('v1.token.issued', id('a'), {
      secretDigest: contentOf('secret a').digest,
      actor: 'a',
      scopes: ['write'],
      description: 'a',
    }),
    tell('v1.token.issued', id('b'), {
      secretDigest: contentOf('secret b').digest,
      actor: 'a',
      scopes: ['write'],
      expiresAt: '0001-01-01T00:00:00.000Z',
    }),
    tell('v1.token.revoked', id('b'), { reason: 'a' }),
  ]
}

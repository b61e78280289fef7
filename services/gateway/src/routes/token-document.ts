import type { AccessTokenRow } from '@artifact-store/views'
import { z } from 'zod'

/** A token as the API shows it: never its secret. */
export const tokenDocument = z.object({
  id: z.string(),
  actor: z.string(),
  scopes: z.array(z.enum(['read', 'write', 'admin'])),
  description: z.string().optional(),
  issuedAt: z.iso.datetime(),
  issuedBy: z.string(),
  expiresAt: z.iso.datetime().optional(),
  revokedAt: z.iso.datetime().optional(),
})

export function toTokenDocument(row: AccessTokenRow): z.infer<typeof tokenDocument> {
  return {
    id: row.tokenId,
    actor: row.actor,
    scopes: [...row.scopes],
    ...(row.description === null ? {} : { description: row.description }),
    issuedAt: row.issuedAt.toISOString(),
    issuedBy: row.issuedBy,
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt.toISOString() }),
    ...(row.revokedAt === null ? {} : { revokedAt: row.revokedAt.toISOString() }),
  }
}

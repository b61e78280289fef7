import { ArtifactError } from '@artifact-store/core'
import type { AppEnv } from '@artifact-store/service'
import { checksumAlgorithms } from '@artifact-store/uploads'
import type { Context } from 'hono'
import { setHeader } from '../http/set-header.ts'

/** The version of the protocol: https://tus.io/protocols/resumable-upload (1.0). */
const version = '1.0.0'
const extensions = [
  'creation',
  'creation-with-upload',
  'creation-defer-length',
  'checksum',
  'concatenation',
  'expiration',
  'termination',
]

export const pieceMediaType = 'application/offset+octet-stream'

/** What stands on every answer of these addresses, refusals included. */
export const everyTusAnswer = { 'Tus-Resumable': version } as const

/** What a client may find out before it begins. */
export function discovery(maxBytes: number): Record<string, string> {
  return {
    ...everyTusAnswer,
    'Tus-Version': version,
    'Tus-Extension': extensions.join(','),
    'Tus-Max-Size': String(maxBytes),
    'Tus-Checksum-Algorithm': checksumAlgorithms.join(','),
  }
}

/** @throws ArtifactError `precondition-failed` (412, as tus demands it) for a client of another version, or of none. */
export function requireTusVersion(c: Context<AppEnv>): void {
  const given = c.req.header('tus-resumable')
  if (given === version) return
  setHeader(c, 'Tus-Version', version)
  throw new ArtifactError(
    'precondition-failed',
    given === undefined
      ? `this call is one of tus: send "Tus-Resumable: ${version}" with it`
      : `this server speaks tus ${version}, not "${given.slice(0, 50)}"`,
    { details: { supported: [version] } },
  )
}

export const tusHeaders = { 'Tus-Resumable': `The version of the protocol, \`${version}\`` } as const

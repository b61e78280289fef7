import { parseArgs } from 'node:util'
import { ArtifactError } from '@artifact-store/core'

export interface Flags {
  /** Drop everything first. */
  readonly fresh: boolean
  /** Also where that destroys events. */
  readonly yes: boolean
}

/** @throws ArtifactError `configuration` that names what is not understood. */
export function readFlags(args: readonly string[]): Flags {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { fresh: { type: 'boolean', default: false }, yes: { type: 'boolean', default: false } },
    })
    return values
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ArtifactError('configuration', `${why}; the flags are --fresh and --yes`, { cause })
  }
}

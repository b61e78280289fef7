import { ArtifactError } from '@artifact-store/core'

/**
 * What the database refused about the events themselves: SQLSTATE classes 22 (data exception), 23 (integrity constraint) and 54
 * (program limit). Undefined for everything else, such as a lost connection: that says nothing about the events.
 */
export function refusalOf(error: unknown): ArtifactError | undefined {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(22|23|54)/.test(error.code)))
    return undefined
  // The detail of a broken constraint is the whole row.
  const detail = error.code.startsWith('22') && 'detail' in error && typeof error.detail === 'string' ? ` (${error.detail})` : ''
  return new ArtifactError('invalid-request', `the log refused the events: ${error.message}${detail}`, { cause: error })
}

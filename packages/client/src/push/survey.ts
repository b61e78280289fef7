import { stat } from 'node:fs/promises'
import { ArtifactError } from '@artifact-store/core'
import { walkSourceTree } from './source-tree.ts'

/** What there is to push. Sizes in bytes, as of the moment of looking. */
export interface Survey {
  readonly files: number
  readonly bytes: number
  /** How many directories have nothing in them, and so are not kept: a package holds files only. */
  readonly emptyDirectories: number
}

/** As many refusals are named; more would be read by nobody. */
const mostNamed = 20

/**
 * Looks at everything before anything is sent, so that a push that cannot succeed leaves no half a package behind.
 * @throws ArtifactError `invalid-path` that names all that cannot be stored; `invalid-request` when there is no file at all.
 */
export async function surveySourceTree(directory: string, signal?: AbortSignal): Promise<Survey> {
  let files = 0
  let bytes = 0
  let emptyDirectories = 0
  let refusals = 0
  const named: string[] = []
  for await (const found of walkSourceTree(directory, signal)) {
    if ('refused' in found) {
      refusals++
      if (named.length < mostNamed) named.push(found.refused)
    } else if ('emptyDirectory' in found) {
      emptyDirectories++
    } else {
      files++
      bytes += (await stat(found.location)).size
    }
  }
  if (refusals > 0) throw refusedError(named, refusals)
  if (files === 0) throw new ArtifactError('invalid-request', `there are no files in ${directory}: nothing to push`)
  return { files, bytes, emptyDirectories }
}

function refusedError(named: readonly string[], refusals: number): ArtifactError {
  const [first = ''] = named
  const more = refusals > named.length ? [`… and ${refusals - named.length} more`] : []
  const message =
    refusals === 1 ? first : [`${refusals} files cannot be stored, so nothing was pushed:`, ...named, ...more].join('\n  ')
  return new ArtifactError('invalid-path', message, { details: { refusals, named } })
}

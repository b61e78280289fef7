import { ArtifactError } from './errors.ts'

/** What a package is found by: at most 64 short texts by key. */
export type Labels = Readonly<Record<string, string>>

export const maxLabels = 64
/** Without ":", so that `label=key:value` in a query is read in one way. */
export const labelKeyPattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9._/-]{0,126}[a-zA-Z0-9])?$/
/** Up to 1024 characters, none of them a control character or lone surrogate; may be empty. */
export const labelValuePattern = /^[^\p{Cc}\p{Cs}]{0,1024}$/u

/** @throws ArtifactError `invalid-request` naming the label that is wrong. */
export function parseLabels(labels: Labels): Labels {
  const entries = Object.entries(labels)
  if (entries.length > maxLabels) throw refusal(`${entries.length} labels are too many; a package has at most ${maxLabels}`)
  for (const [key, value] of entries) {
    const shown = JSON.stringify(key.slice(0, 150).toWellFormed())
    if (!labelKeyPattern.test(key)) {
      throw refusal(
        `${shown} is not a label key: keys are 1 to 128 letters, digits and ". _ / -", beginning and ending with a letter or digit`,
      )
    }
    if (!labelValuePattern.test(value)) {
      throw refusal(
        `the value of the label ${shown} is not one: values have at most 1024 characters, none of them a control character`,
      )
    }
  }
  return Object.fromEntries(entries)
}

function refusal(message: string): ArtifactError {
  return new ArtifactError('invalid-request', message, { details: { field: 'labels' } })
}

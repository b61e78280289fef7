import type { Rule } from './evidence.ts'

/** Whatever bytes the log names are in the store, and are what their digest says. */
export const blobsAreThere: Rule = function* ({ remains: { blobs } }) {
  for (const [digest, state] of blobs) if (state !== 'right') yield `the blob ${digest} is ${state}`
}

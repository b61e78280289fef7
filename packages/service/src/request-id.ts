import { randomUUID } from 'node:crypto'

/** Names a request, from whoever gave it its id to every process that works on it. */
export const requestIdHeader = 'x-request-id'
/** The ids of the other requests that a call is made for, with commas between: appends of several go together to the log-writer. */
export const otherRequestsHeader = 'artifact-other-request-ids'

/** The id that the client gave, where that is harmless, else a new one. */
export function requestIdOf(given: string | undefined): string {
  return given !== undefined && harmless.test(given) ? given : randomUUID()
}

/** What a header of other requests says; undefined where it says nothing that may be told. */
export function otherRequestsOf(given: string | undefined): readonly string[] | undefined {
  if (given === undefined) return undefined
  const ids = given
    .slice(0, longestList)
    .split(',')
    .filter(id => harmless.test(id))
  return ids.length === 0 ? undefined : ids
}

const harmless = /^[A-Za-z0-9._:-]{1,128}$/
const longestList = 8192

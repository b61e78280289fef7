import { ArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import { errorFromProblem } from './problem.ts'
import type { TransportResponse } from './transport.ts'

const lastLine = z.looseObject({ done: z.literal(true), problem: z.looseObject({ status: z.int() }).optional() })

/**
 * The lines of an answer of JSON lines, as they come; the last one, which says that it is whole, too.
 * @throws ArtifactError what the last line tells of, and `internal` where there is none.
 */
export async function* eachLine(response: TransportResponse): AsyncGenerator<unknown, void> {
  let rest = ''
  let ended = false
  response.body.setEncoding('utf8')
  for await (const text of response.body as AsyncIterable<string>) {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines.map(parseJson)) {
      const last = lastLine.safeParse(line)
      const problem = last.data?.problem
      if (problem) throw errorFromProblem(problem, problem.status)
      ended ||= last.success
      yield line
    }
  }
  if (!ended) throw new ArtifactError('internal', 'the answer ends before it says how it ended: ask again')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

import { ArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import { type Refusal, readAll } from './answer.ts'
import { errorFromProblem } from './problem.ts'
import { isRetryableStatus } from './retry.ts'
import type { TransportResponse } from './transport.ts'

const lastLine = z.looseObject({
  done: z.literal(true),
  position: z.int().optional(),
  problem: z.looseObject({ status: z.int() }).optional(),
})

/** What a call was refused with when its answer had begun already. */
export class LateRefusal extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.error.message)
    this.refusal = refusal
  }
}

/** An answer of a line of JSON for each thing that was asked for, and one that says how it ended. */
export interface Lines {
  readonly lines: readonly unknown[]
  /** Where in the log the last of it was written. */
  readonly position: number | undefined
}

/** Reads such an answer whole. @throws LateRefusal when it says that it is not complete. */
export async function readLines(response: TransportResponse): Promise<Lines> {
  const lines = (await readAll(response.body)).toString().trimEnd().split('\n').map(parseJson)
  const last = lastLine.safeParse(lines.pop())
  if (!last.success) throw new ArtifactError('internal', 'the answer ends before it says how it ended: send the files again')
  const { problem, position } = last.data
  if (problem)
    throw new LateRefusal({
      error: errorFromProblem(problem, problem.status),
      retryable: isRetryableStatus(problem.status),
      retryAfterMs: undefined,
    })
  return { lines, position }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

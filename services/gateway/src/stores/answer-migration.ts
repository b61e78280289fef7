import type { CopiedBlobs } from '@artifact-store/blobs'
import type { Digest } from '@artifact-store/core'
import { type AppEnv, problemOf } from '@artifact-store/service'
import type { Context } from 'hono'
import { NdjsonAnswer } from '../http/ndjson-answer.ts'
import type { MigrateBlobs, Migration } from './migrate-blobs.ts'

/** How often it is told how far it is, in milliseconds; a client that hears nothing takes the connection for dead. */
const tellEveryMs = 2000

/** Has blobs moved, and answers with a line for each that is damaged and one now and then of how far it is. What keeps it from ending is told by the last line. */
export async function answerMigration(
  c: Context<AppEnv>,
  migrate: MigrateBlobs,
  { from, to, remove, signal }: Pick<Migration, 'from' | 'to' | 'remove' | 'signal'>,
): Promise<Response> {
  const answer = new NdjsonAnswer(c)
  let soFar: CopiedBlobs = { blobs: 0, bytes: 0, copied: 0, copiedBytes: 0, removed: 0, damaged: 0 }
  let fraction = 0
  // The first one only when the work goes on: what is refused gets an answer with its own status.
  const ticking = setInterval(() => void answer.write([{ kind: 'progress', ...soFar, fraction }]), tellEveryMs)
  let failure: unknown
  try {
    soFar = await migrate({
      ...{ from, to, remove, signal },
      onDamaged: (digest, at) => void answer.write([{ kind: 'damaged', digest, store: at.name }]),
      onProgress(total, at) {
        soFar = { ...total }
        fraction = fractionBefore(at)
      },
    })
  } catch (error) {
    if (!answer.begun) throw error
    failure = error
  } finally {
    clearInterval(ticking)
  }
  const summary = { done: true, from: from.name, to: to.name, ...soFar }
  return answer.end(failure === undefined ? summary : { ...summary, problem: problemOf(failure, c.get('requestId')) })
}

/** How much of all digests lies before this one; they are spread evenly, so about so much of the work is done. */
function fractionBefore(digest: Digest): number {
  const first = digest.slice(digest.indexOf(':') + 1).slice(0, 8)
  return Math.round((Number.parseInt(first, 16) / 2 ** 32) * 1000) / 1000
}

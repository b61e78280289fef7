import { isArtifactError } from '@artifact-store/core'
import type { Abortable } from '../blob-store.ts'
import type { Finding } from '../capability.ts'
import type { S3Calls } from './calls.ts'
import { assertBucket, deleteObject } from './objects.ts'
import { checksumTrial } from './trials/checksum.ts'
import { conditionalCompletionTrial } from './trials/conditional-completion.ts'
import { conditionalPutTrial } from './trials/conditional-put.ts'
import { copyPartTrial, copyTrial } from './trials/copy.ts'
import { listAfterWriteTrial } from './trials/list-after-write.ts'
import { rangeTrial } from './trials/range.ts'
import type { Bench, Trial } from './trials/trial.ts'

const trials: readonly Trial[] = [
  rangeTrial,
  copyTrial,
  copyPartTrial,
  listAfterWriteTrial,
  checksumTrial,
  conditionalPutTrial,
  conditionalCompletionTrial,
]

/**
 * Tries every capability, one after the other, on objects that it makes and removes again.
 * @param newKey gives a key that nobody else uses.
 * @throws ArtifactError `backend-unavailable` when the server does not work well enough to be tried.
 */
export async function examine(calls: S3Calls, newKey: () => string, { signal }: Abortable = {}): Promise<readonly Finding[]> {
  await assertBucket(calls, { signal })
  const used: string[] = []
  const bench: Bench = {
    calls,
    signal,
    newKey() {
      const key = newKey()
      used.push(key)
      return key
    },
  }
  const findings: Finding[] = []
  try {
    for (const trial of trials) findings.push({ capability: trial.capability, ...(await verdictOf(trial, bench)) })
    return findings
  } finally {
    // What cannot be removed now is collected with what crashed processes leave.
    for (const key of used) await deleteObject(calls, key, { signal }).catch(() => undefined)
  }
}

/** A server that fails in one trial may be as good as any in the others; one that is down fails in all. */
async function verdictOf(trial: Trial, bench: Bench) {
  try {
    return await trial.run(bench)
  } catch (error) {
    if (!isArtifactError(error) || bench.calls.trouble !== undefined) throw error
    return { works: false, seen: `it could not be tried: ${error.message}` }
  }
}

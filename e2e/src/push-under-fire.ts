import { type PushProgress, type PushResult, push } from '@artifact-store/client'
import { send } from './processes.ts'
import type { PartName, RunningStore } from './running-store.ts'

export interface Fire {
  /** Whose process gets `kill -9`, again and again. */
  readonly part: PartName
  /** When: as soon as so much of the push is done, from 0 to 1. 1 is when all is stored and finalizing begins. In growing order. */
  readonly moments: readonly number[]
}

/** How often a call is tried. The restarts of several kills may fall on one call, on a machine of whatever speed. */
const attempts = 20

/** Pushes a directory with the SDK while one part of the store is killed at each of the moments. @returns what was pushed. */
export async function pushUnderFire(store: RunningStore, directory: string, { part, moments }: Fire): Promise<PushResult> {
  using client = store.client({ retry: { attempts } })
  const waiting = moments.map(moment => ({ moment, ...Promise.withResolvers<void>() }))
  const onProgress = (progress: PushProgress) => {
    const done = fraction(progress)
    for (const { moment, resolve } of waiting) if (done >= moment) resolve()
  }
  const firing = (async () => {
    for (const { promise } of waiting) {
      // Found before the moment, so that it is not missed.
      const pid = await store.pidOf(part)
      await promise
      send(pid, 'SIGKILL')
      await store.replaced(part, pid)
    }
  })()
  const pushing = push(client, directory, { name: `ci/crash-${part}`, kind: 'evidence', concurrency: 8, onProgress })
  // A push that fails leaves moments that never come.
  pushing.catch(error => {
    for (const { promise, reject } of waiting) {
      promise.catch(() => undefined)
      reject(error)
    }
  })
  const [pushed] = await Promise.all([pushing, firing])
  return pushed
}

function fraction({ phase, filesStored, filesTotal, bytesStored, bytesTotal }: PushProgress): number {
  if (phase === 'finalizing') return 1
  // What has left for the network counts, so that it also happens in the middle of a file.
  return Math.min(0.999, (filesStored / filesTotal + bytesStored / bytesTotal) / 2)
}

import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@artifact-store/service'
import type { Uploads } from '@artifact-store/uploads'

/** How often uploads whose time is over are looked for, in milliseconds. */
const everyMs = 10 * 60 * 1000

/** Removes expired uploads now and then, until the signal aborts. What fails is tried again the next time. */
export async function collectUploads(
  uploads: Uploads,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    try {
      const removed = await uploads.collect(signal)
      if (removed.expired + removed.orphans > 0) logger.info(removed, 'removed uploads whose time was over')
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'expired uploads cannot be removed now; they are looked for again later')
    }
    await delay(everyMs, undefined, { signal }).catch(() => undefined)
  }
}

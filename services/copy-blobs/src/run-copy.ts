import { copyBlobs, openBlobStore } from '@artifact-store/blobs'
import type { Logger } from '@artifact-store/service'
import type { CopyConfig } from './config.ts'

/** How often it is told how far it is, in milliseconds. */
const tellEveryMs = 10_000

/** Copies what the target does not have. @returns how many blobs of the source are damaged, and were left out. */
export async function runCopy({ COPY_FROM, COPY_TO }: CopyConfig, logger: Logger, signal: AbortSignal): Promise<number> {
  await using from = await openBlobStore(COPY_FROM)
  await using to = await openBlobStore(COPY_TO)
  let toldAt = performance.now()
  const copied = await copyBlobs(from, to, {
    signal,
    onDamaged: digest => logger.error({ digest }, 'a blob is damaged, and is left out'),
    onProgress(soFar) {
      if (performance.now() - toldAt < tellEveryMs) return
      toldAt = performance.now()
      logger.info({ ...soFar }, 'copying')
    },
  })
  logger.info({ ...copied }, 'copied')
  return copied.damaged
}

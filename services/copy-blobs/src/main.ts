import { isArtifactError } from '@artifact-store/core'
import { createLogger, loadConfig } from '@artifact-store/service'
import { copyConfig } from './config.ts'
import { runCopy } from './run-copy.ts'

let logger = createLogger({ name: 'copy-blobs', level: 'info' })
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
try {
  const config = loadConfig(copyConfig)
  logger = createLogger({ name: 'copy-blobs', level: config.LOG_LEVEL })
  // What is damaged is no reason to leave the rest, and one that somebody looks.
  if ((await runCopy(config, logger, stop.signal)) > 0) process.exitCode = 3
} catch (error) {
  const why = error instanceof Error ? error.message : String(error)
  if (isArtifactError(error, 'configuration') || stop.signal.aborted) logger.fatal(`cannot copy: ${why}`)
  else logger.fatal({ err: error }, `cannot copy: ${why}`)
  process.exitCode = 1
}

import type { ProcessConfig } from './config.ts'
import type { Logger } from './logger.ts'

/** How long, in ms, what was deferred may take after the grace before the process ends without waiting for it. */
const disposalMs = 5000

/**
 * Resolves when the process is told to stop: SIGTERM, SIGINT or, where `ARTIFACT_STORE_PARENT` is `stdin`, the end of standard
 * input. From then on the process ends within the drain and the grace plus 5 s, whatever hangs.
 */
export function stopRequested(config: ProcessConfig, logger: Logger): Promise<void> {
  return new Promise(resolve => {
    let asked = false
    const stop = (why: string): void => {
      // Ctrl-C reaches the whole process group and the supervisor asks once more: that is not a second wish.
      if (asked) return
      asked = true
      logger.info({ why }, 'stopping')
      setTimeout(
        () => {
          logger.fatal('did not stop in time')
          process.exit(1)
        },
        (config.STOP_DRAIN_SECONDS + config.STOP_GRACE_SECONDS) * 1000 + disposalMs,
      ).unref()
      resolve()
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    if (config.ARTIFACT_STORE_PARENT === 'stdin') {
      process.stdin.once('close', () => stop('the parent is gone'))
      process.stdin.on('error', () => stop('the parent is gone'))
      process.stdin.resume()
    }
  })
}

/** Ends the process with a fatal log line on an exception or rejection that nobody caught: its state can no longer be trusted. */
export function exitWhenBroken(logger: Logger): void {
  process.on('uncaughtException', (error, origin) => {
    logger.fatal({ err: error, origin }, `uncaught: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(1)
  })
}

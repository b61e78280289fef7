export interface StopSignals extends Disposable {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP: stop in order. */
  readonly stop: AbortSignal
  /** Aborted by another SIGINT later: kill at once. */
  readonly kill: AbortSignal
}

/** One Ctrl-C arrives up to three times: from the terminal, from npm, and from the script that found the runtime. What comes
 * within this time (ms) is the same one. */
const sameKeyPress = 1_000

/** Listens to the signals until disposed of. */
export function stopSignals(): StopSignals {
  const stopping = new AbortController()
  const killing = new AbortController()
  let first = 0
  const interrupt = () => {
    if (stopping.signal.aborted && performance.now() - first > sameKeyPress) killing.abort(new Error('interrupted twice'))
    else terminate()
  }
  const terminate = () => {
    if (stopping.signal.aborted) return
    first = performance.now()
    stopping.abort(new Error('told to stop'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', terminate)
  process.on('SIGHUP', terminate)
  return {
    stop: stopping.signal,
    kill: killing.signal,
    [Symbol.dispose]: () => {
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', terminate)
      process.off('SIGHUP', terminate)
    },
  }
}

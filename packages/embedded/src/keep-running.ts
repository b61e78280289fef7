import { setTimeout as sleep } from 'node:timers/promises'
import { describeExit, type ProcessExit } from './server-process.ts'

/** A process that runs. */
export interface Running {
  readonly pid: number
  readonly exited: Promise<ProcessExit>
  stop(): Promise<void>
  kill(): Promise<void>
}

/** A process that is started again whenever it ends. */
export interface Kept<R extends Running = Running> extends AsyncDisposable {
  /** The process of now, or the last one while the next is being started. */
  current(): R
  /** How often it has ended by itself. */
  deaths(): number
  /** Stops it for good. */
  stop(): Promise<void>
}

export interface KeepOptions<R extends Running> {
  /** Takes a sentence each time it ended or could not be started. */
  readonly say: (line: string) => void
  /** Aborts: kill it at once, also in the middle of a stop. */
  readonly kill?: AbortSignal | undefined
  /** Told of each process that was started; must not throw. */
  readonly onStart?: ((running: R) => void) | undefined
}

const firstDelay = 100
const longestDelay = 10_000
/** What has run this long (ms) before it ended begins again with the first delay. */
const settled = 10_000

/**
 * Starts a process and starts it again whenever it ends by itself: after 0.1 s, then twice as long each time, at most 10 s.
 * @throws what the first start throws; later ones are said and tried again.
 */
export async function keepRunning<R extends Running>(
  start: (signal: AbortSignal) => Promise<R>,
  { say, kill, onStart }: KeepOptions<R>,
): Promise<Kept<R>> {
  const stopping = new AbortController()
  let deaths = 0
  let current = await start(stopping.signal)
  onStart?.(current)
  const killNow = () => {
    stopping.abort()
    void current.kill()
  }
  kill?.addEventListener('abort', killNow, { once: true })

  const watching = watch()
  const stop = async () => {
    stopping.abort()
    await (kill?.aborted === true ? current.kill() : current.stop())
    await watching
    kill?.removeEventListener('abort', killNow)
  }
  return { current: () => current, deaths: () => deaths, stop, [Symbol.asyncDispose]: stop }

  async function watch(): Promise<void> {
    for (let delay = firstDelay; ; ) {
      const since = performance.now()
      const exit = await current.exited
      if (stopping.signal.aborted) return
      deaths++
      if (performance.now() - since > settled) delay = firstDelay
      say(`ended by itself (${describeExit(exit)}); starting it again in ${delay / 1000} s`)
      while (!(await startAgain(delay))) {
        if (stopping.signal.aborted) return
        delay = Math.min(delay * 2, longestDelay)
      }
      delay = Math.min(delay * 2, longestDelay)
    }
  }

  async function startAgain(delay: number): Promise<boolean> {
    try {
      await sleep(delay, undefined, { signal: stopping.signal })
      current = await start(stopping.signal)
    } catch (error) {
      if (!stopping.signal.aborted) say(`could not be started: ${error instanceof Error ? error.message : String(error)}`)
      return false
    }
    onStart?.(current)
    // Stopped while it was starting: the stop saw only the one before.
    if (stopping.signal.aborted) await current.stop()
    return true
  }
}

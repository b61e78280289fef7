import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ArtifactError } from '@artifact-store/core'
import type { Kept, Running } from './keep-running.ts'
import { describeExit, endInSteps, spawnServer } from './server-process.ts'

export interface ServiceProcessOptions {
  /** The file to run with the Node that runs us. */
  readonly script: string
  readonly args?: readonly string[] | undefined
  /** All of its environment. `ARTIFACT_STORE_PARENT=stdin` is added: it stops when its standard input ends, as it does when we die. */
  readonly env: Readonly<Record<string, string>>
  readonly log: (line: string) => void
}

/**
 * Bounds of a service's own heap (MiB). No service holds more than a few buffers, so what the engine would otherwise let pile up before it
 * collects is only waste: loading the modules alone leaves more behind than a service ever needs. A young generation of twice the size would make
 * small files a twentieth faster, and 64 large transfers take some 10 MB more, which the 200 MiB that are promised for them do not have.
 */
const heapBounds = ['--max-semi-space-size=2', '--max-old-space-size=192']
/** glibc would give each thread a heap of its own, none of which gives back what it has holes in. The buffers of many transfers made it grow by a tenth. */
const oneHeap = { MALLOC_ARENA_MAX: '1' }

/** How long a service may take to finish its requests after SIGTERM (ms). */
const grace = 20_000

/** Starts a service; that it is ready is another matter (`waitUntilReady`). */
export function startService({ script, args = [], env, log }: ServiceProcessOptions): Running {
  const server = spawnServer({
    command: process.execPath,
    args: [...heapBounds, script, ...args],
    env: { ...oneHeap, ...env, ARTIFACT_STORE_PARENT: 'stdin' },
    cwd: join(import.meta.dirname, '..', '..', '..'),
    stdin: 'hold',
    log,
  })
  return {
    pid: server.pid,
    exited: server.exited,
    kill: () => endInSteps(server, [['SIGKILL', grace]]),
    stop: () =>
      endInSteps(server, [
        ['SIGTERM', grace],
        ['SIGKILL', grace],
      ]),
  }
}

/** Runs a service that ends by itself, such as the migration.
 * @throws ArtifactError `backend-unavailable` unless it ends with exit code 0. */
export async function runOnce(name: string, options: ServiceProcessOptions, signal: AbortSignal): Promise<void> {
  const running = startService(options)
  const abort = () => void running.stop()
  signal.addEventListener('abort', abort, { once: true })
  const exit = await running.exited
  signal.removeEventListener('abort', abort)
  signal.throwIfAborted()
  if (exit.code !== 0)
    throw new ArtifactError('backend-unavailable', `${name} failed (${describeExit(exit)}): its lines above say why`)
}

/** How often a service may end before it was ever ready. */
const patience = 5

/**
 * Polls `<url>/health/ready` until it answers 200.
 * @throws ArtifactError `backend-unavailable` when the service ended five times before that; the signal's reason when aborted.
 */
export async function waitUntilReady(name: string, url: string, kept: Kept, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    if (await answers(`${url}/health/ready`, signal)) return
    if (kept.deaths() >= patience) {
      throw new ArtifactError(
        'backend-unavailable',
        `${name} ended ${patience} times before it was ready: its lines above say why`,
        { details: { url } },
      )
    }
    await sleep(50, undefined, { signal })
  }
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(2_000)]) })
    await response.body?.cancel()
    return response.ok
  } catch {
    // Not listening yet, or not answering yet: both mean not ready. The loop looks at the signal.
    return false
  }
}

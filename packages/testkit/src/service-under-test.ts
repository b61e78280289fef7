import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { compileCache } from './compile-cache.ts'

export type ServiceName = 'log-writer' | 'projector' | 'gateway'

/** A service of ours as a process of its own, as in production. */
export interface ServiceUnderTest extends AsyncDisposable {
  readonly url: string
  readonly process: ChildProcess
  /** What it has logged so far, a line each. */
  readonly lines: readonly string[]
  /** Asks for a clean stop. @returns the exit code. */
  stop(): Promise<number | null>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
}

export interface ServiceOptions {
  /** Its settings; HOST and a free PORT are given. */
  readonly env: Readonly<Record<string, string>>
  /** What it must answer before this returns; `ready` when absent. */
  readonly until?: 'ready' | 'listening'
  /** Milliseconds. */
  readonly deadline?: number
}

/** Starts `services/<name>/src/main.ts` and waits until it is ready.
 * @throws Error with its log when it ends or is not ready in time. */
export async function startService(name: ServiceName, options: ServiceOptions): Promise<ServiceUnderTest> {
  const { env, until = 'ready', deadline = 20_000 } = options
  const script = new URL(`../../../services/${name}/src/main.ts`, import.meta.url).pathname
  const child = spawn(process.execPath, [script], {
    env: { ...compileCache(), HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info', ARTIFACT_STORE_PARENT: 'stdin', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  const lines: string[] = []
  const heard = Promise.withResolvers<string>()
  const hear = (line: string) => {
    lines.push(line)
    const url = /"url":"(http:[^"]+)".*"msg":"listening"/.exec(line)?.[1]
    if (url) heard.resolve(url)
  }
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', hear)
  const fail = (why: string) => new Error(`${name} ${why}:\n${lines.slice(-30).join('\n')}`)

  const stop = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await exited
    return child.exitCode
  }
  try {
    const url = await Promise.race([
      heard.promise,
      exited.then(() => Promise.reject(fail('ended'))),
      delay(deadline).then(() => Promise.reject(fail('does not listen'))),
    ])
    if (until === 'ready') await ready(url, Date.now() + deadline, () => fail('is not ready'))
    return {
      url,
      process: child,
      lines,
      stop: () => stop('SIGTERM'),
      kill: async () => void (await stop('SIGKILL')),
      [Symbol.asyncDispose]: async () => void (await stop('SIGTERM')),
    }
  } catch (error) {
    await stop('SIGKILL')
    throw error
  }
}

async function ready(url: string, deadline: number, failure: () => Error): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined)
    if (response?.ok) return
    if (Date.now() > deadline) throw failure()
    await delay(25)
  }
}

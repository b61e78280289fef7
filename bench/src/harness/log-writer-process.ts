import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The log-writer as in production: a process of its own. */
export interface LogWriterProcess extends AsyncDisposable {
  readonly url: URL
  readonly token: string
}

/** @throws Error with what it has logged when it does not become ready within 30 s. */
export async function startLogWriterProcess(databaseUrl: string): Promise<LogWriterProcess> {
  const token = 'the token of this measurement'
  const main = fileURLToPath(import.meta.resolve('../../../services/log-writer/src/main.ts'))
  const child = spawn(process.execPath, [main], {
    env: {
      DATABASE_URL: databaseUrl,
      LOG_WRITER_TOKEN: token,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'info',
      ARTIFACT_STORE_PARENT: 'stdin',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines: string[] = []
  const listening = Promise.withResolvers<URL>()
  createInterface({ input: child.stdout }).on('line', line => {
    // It says nothing of what goes well, so this stays small.
    lines.push(line)
    const url = /"url":"(http:[^"]+)".*"msg":"listening"/.exec(line)?.[1]
    if (url) listening.resolve(new URL(url))
  })
  const stop = async (): Promise<void> => {
    child.stdin.end()
    await exited
  }
  try {
    const failed = Promise.race([exited, delay(30_000, undefined, { ref: false })]).then(() => {
      throw new Error(`the log-writer is not there:\n${lines.join('\n')}`)
    })
    const url = await Promise.race([listening.promise, failed])
    await Promise.race([ready(url), failed])
    failed.catch(() => undefined)
    return { url, token, [Symbol.asyncDispose]: stop }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

async function ready(url: URL): Promise<void> {
  for (;;) {
    const response = await fetch(new URL('/health/ready', url))
    await response.body?.cancel()
    if (response.ok) return
    await delay(20)
  }
}

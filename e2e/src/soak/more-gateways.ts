import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { eventually } from '../eventually.ts'
import type { Part } from '../faults/world/part.ts'
import { servicePart } from '../faults/world/service-part.ts'
import { send } from '../processes.ts'
import { keptAccess, type RunningStore } from '../running-store.ts'

/** A gateway beside that of the launcher, on the same database and bytes, that is started again whenever it was killed. */
export interface MoreGateway extends AsyncDisposable {
  readonly url: string
  /** `kill -9`, and a new one at the same address. Resolves when the old one is gone. */
  kill9(): Promise<void>
  /** The same at the first moment at which something is so. It runs a millisecond at a time, and stands still while it is looked at: no machine is too fast for this. */
  kill9Once(isSo: () => boolean): Promise<void>
}

/** What a wait waits for that is only to take its time. */
const nothing = new Int32Array(new SharedArrayBuffer(4))

const secrets = z.looseObject({ gateway: z.string(), logWriterToken: z.string() })

/** Resolves when it is ready. @param name its own, of several. @param env settings that differ, e.g. of where the bytes are. */
export async function startMoreGateway(
  store: RunningStore,
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<MoreGateway> {
  const { dataDirectory } = store.launcher
  const { gateway, logWriterToken } = secrets.parse(JSON.parse(await readFile(join(dataDirectory, 'secrets.json'), 'utf8')))
  const { postgresUrl } = await keptAccess(dataDirectory)
  const databaseUrl = new URL(postgresUrl('artifact_store'))
  databaseUrl.username = 'gateway'
  databaseUrl.password = gateway
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const part: Part = servicePart({
    service: 'gateway',
    name,
    env: {
      PORT: String(port),
      DATABASE_URL: databaseUrl.href,
      LOG_WRITER_URL: store.serviceUrl('log-writer'),
      LOG_WRITER_TOKEN: logWriterToken,
      BLOBS_URL: `fs://${pathToFileURL(join(dataDirectory, 'blobs')).pathname}`,
      ...env,
    },
    logFile: join(dataDirectory, `${name}.log`),
    onListening: () => undefined,
    note: () => undefined,
  })
  const isReady = async () => ((await fetch(`${url}/health/ready`).catch(() => undefined))?.ok ? true : undefined)
  await eventually(`${name} is ready`, isReady)
  const kill9 = async () => {
    const revive = await part.kill()
    revive()
  }
  return {
    url,
    kill9,
    async kill9Once(isSo) {
      const [running] = await part.processes()
      if (running === undefined) throw new Error(`${name} does not run`)
      for (const latest = performance.now() + 60_000; performance.now() < latest; ) {
        send(running.pid, 'SIGSTOP')
        if (isSo()) return await kill9()
        await turnOfTheLoop()
        send(running.pid, 'SIGCONT')
        Atomics.wait(nothing, 0, 0, 1)
      }
      throw new Error(`${name} has not come to where it was to be killed`)
    },
    [Symbol.asyncDispose]: () => part[Symbol.asyncDispose](),
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('the system gave no port')
  return address.port
}

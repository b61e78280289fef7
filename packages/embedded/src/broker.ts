import type { EmbeddedConfig, NatsChoice } from './config.ts'
import type { DataDirectory } from './data-directory.ts'
import { type Kept, keepRunning } from './keep-running.ts'
import { startNats } from './nats.ts'
import { findNatsServer } from './nats-binary.ts'
import { stopLeftoverNats } from './nats-leftover.ts'
import { freePort, isPortFree } from './ports.ts'
import { writeSmallFile } from './small-file.ts'

/** The broker that the services use, if any. */
export interface Broker {
  /** With its credentials; absent without a broker. */
  readonly url?: string | undefined
  /** Present when the server is ours to keep running. */
  readonly kept?: Kept | undefined
  /** To be remembered for the next start. */
  readonly port?: number | undefined
  /** What the person who started us is told, without credentials. */
  readonly announcement: string
}

export interface BrokerOptions {
  readonly choice: NatsChoice
  readonly data: DataDirectory
  readonly password: string
  /** The port of the last run. */
  readonly lastPort: number | undefined
  readonly logLevel: EmbeddedConfig['logLevel']
  readonly signal: AbortSignal
  readonly kill?: AbortSignal | undefined
  readonly say: (line: string) => void
}

/** Starts the NATS server that is found, or takes the one that was given, or says that there is none. */
export async function startBroker({
  choice,
  data,
  password,
  lastPort,
  logLevel,
  signal,
  kill,
  say,
}: BrokerOptions): Promise<Broker> {
  await stopLeftoverNats(data.nats, say)
  if (choice.kind === 'off') return { announcement: 'NATS is off: wake-ups come from PostgreSQL' }
  if (choice.kind === 'external')
    return { url: choice.url, announcement: `NATS at ${withoutCredentials(choice.url)} (from NATS_URL)` }
  const found = findNatsServer()
  if (found === undefined) return { announcement: 'no NATS server found: wake-ups come from PostgreSQL' }
  const port = choice.port ?? (lastPort !== undefined && (await isPortFree(lastPort)) ? lastPort : await freePort())
  const log = logLevel === 'debug' || logLevel === 'trace' ? say : (line: string) => void (isWorthShowing(line) && say(line))
  const start = (stop: AbortSignal) =>
    startNats({ directory: data.nats, port, user: 'artifact-store', password, signal: AbortSignal.any([signal, stop]), log })
  const kept = await keepRunning(start, { say, kill })
  const { url } = kept.current()
  await writeSmallFile(data.natsUrl, `${url}\n`)
  return { url, kept, port, announcement: `NATS at nats://127.0.0.1:${port} (with user and password in ${data.natsUrl})` }
}

/** Its banner and its progress are not; that a password stands in a file of mode 0600 on the loopback is as intended. */
function isWorthShowing(line: string): boolean {
  return !line.includes('[INF]') && !line.includes('[DBG]') && !line.includes('Plaintext passwords detected')
}

function withoutCredentials(url: string): string {
  return url.replaceAll(/\/\/[^/@]*@/g, '//')
}

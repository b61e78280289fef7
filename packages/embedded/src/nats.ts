import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ArtifactError } from '@artifact-store/core'
import { findNatsServer } from './nats-binary.ts'
import { natsConfigFile, natsPidFile, stopLeftoverNats } from './nats-leftover.ts'
import { freePort, requirePort } from './ports.ts'
import { describeExit, endInSteps, type ProcessExit, type ServerProcess, spawnServer } from './server-process.ts'

export interface NatsOptions {
  /** Holds the configuration (mode 0600), the pid file and JetStream's files; made when it is not there. */
  readonly directory: string
  /** A free one when absent. */
  readonly port?: number | undefined
  readonly user: string
  readonly password: string
  /** The largest message in bytes; 1 MiB when absent. */
  readonly maxPayload?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly log?: ((line: string) => void) | undefined
}

export interface EmbeddedNats extends AsyncDisposable {
  /** With the user and the password in it. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves when the server has ended, by `stop` or by itself. */
  readonly exited: Promise<ProcessExit>
  /** Flushes JetStream and stops. Safe to call twice. */
  stop(): Promise<void>
  /** Ends it at once with SIGKILL. */
  kill(): Promise<void>
}

/**
 * Starts a NATS server with JetStream on 127.0.0.1 that takes only this user and password, and resolves when it greets clients.
 * A server that an earlier, killed run left on the directory is stopped first.
 * @throws ArtifactError `configuration` (no binary, port in use), `storage-full`, or `backend-unavailable` with the server's
 * own reason; the signal's reason when aborted.
 */
export async function startNats(options: NatsOptions): Promise<EmbeddedNats> {
  const { signal, log } = options
  const directory = resolve(options.directory)
  const found = findNatsServer()
  if (found === undefined)
    throw new ArtifactError(
      'configuration',
      'there is no nats-server on PATH and none is shipped for this platform: install one, or set NATS_URL',
    )
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await stopLeftoverNats(directory, log)
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    if (options.port !== undefined) await requirePort('127.0.0.1', options.port, 'set ARTIFACT_STORE_NATS_PORT to another port')
    const port = options.port ?? (await freePort())
    const file = natsConfigFile(directory)
    await writeFile(file, configText(options, directory, port), { mode: 0o600 })
    const server = spawnServer({ command: found.path, args: ['-c', file], env: {}, cwd: directory, log })
    const nats = handle(server, port, options)
    const outcome = await waitUntilReady(server, port, signal).catch(async error => {
      await nats.kill()
      throw error
    })
    if (outcome === 'ready') return nats
    const lostPort = server.lastLines().some(line => line.includes('address already in use'))
    if (attempt === 5 || !lostPort) throw startFailed(directory, outcome, server.lastLines())
  }
}

/** The syntax of strings in the configuration is that of JSON, as far as JSON.stringify writes it. */
function configText(options: NatsOptions, directory: string, port: number): string {
  return `host: "127.0.0.1"
port: ${port}
server_name: "artifact-store"
pid_file: ${JSON.stringify(natsPidFile(directory))}
max_payload: ${options.maxPayload ?? 1_048_576}
logtime_utc: true
authorization { user: ${JSON.stringify(options.user)}, password: ${JSON.stringify(options.password)} }
jetstream {
  store_dir: ${JSON.stringify(directory)}
  sync_interval: "10s"
}
`
}

function handle(server: ServerProcess, port: number, { user, password }: NatsOptions): EmbeddedNats {
  const kill = ['SIGKILL', 5_000] as const
  const stop = () => endInSteps(server, [['SIGTERM', 10_000], kill])
  return {
    url: `nats://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}`,
    port,
    pid: server.pid,
    exited: server.exited,
    stop,
    kill: () => endInSteps(server, [kill]),
    [Symbol.asyncDispose]: stop,
  }
}

/** The server listens for clients only after JetStream has recovered, and greets each with an INFO line. */
async function waitUntilReady(
  server: ServerProcess,
  port: number,
  signal: AbortSignal | undefined,
): Promise<'ready' | ProcessExit> {
  for (;;) {
    if (server.hasExited()) return await server.exited
    signal?.throwIfAborted()
    if (await greets(port)) return 'ready'
    await sleep(20)
  }
}

function greets(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.setTimeout(2_000, () => socket.destroy())
    socket.once('data', data => {
      resolve(data.toString('latin1').startsWith('INFO '))
      socket.destroy()
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(false))
  })
}

function startFailed(directory: string, exit: ProcessExit, lines: readonly string[]): ArtifactError {
  const output = lines.join('\n')
  if (output.includes('no space left on device')) {
    return new ArtifactError('storage-full', `no space is left for NATS in ${directory}: free some there, then start again`, {
      details: { output },
    })
  }
  const reason = lines.findLast(line => /\[(FTL|ERR)\]|nats-server:/.test(line)) ?? lines.at(-1) ?? 'it wrote nothing'
  return new ArtifactError('backend-unavailable', `NATS did not start in ${directory} (${describeExit(exit)}): ${reason}`, {
    details: { output },
  })
}

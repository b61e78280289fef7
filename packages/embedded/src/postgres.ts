import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ArtifactError } from '@artifact-store/core'
import { freePort, requirePort } from './ports.ts'
import { findPostgres, findRunner, giveTo, type PostgresBinaries, type Runner } from './postgres-binaries.ts'
import { hasCluster, makeCluster, postgresEnvironment } from './postgres-cluster.ts'
import { stopLeftoverPostgres } from './postgres-leftover.ts'
import { isPassing, startFailure, waitUntilAnswering } from './postgres-readiness.ts'
import { endInSteps, type ProcessExit, type ServerProcess, spawnServer } from './server-process.ts'

export interface PostgresOptions {
  /** The cluster's own directory (PGDATA); made when it is not there. Beside it, `<directory>.new-*` appears while it is made. */
  readonly directory: string
  /** A free one when absent. */
  readonly port?: number | undefined
  /** The superuser's password. Random when absent, which is right only for a directory that is thrown away. */
  readonly password?: string | undefined
  /** Server settings over the defaults, e.g. `{ fsync: 'off' }` for tests. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** Variables for its environment, which is otherwise the same on every machine. */
  readonly environment?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
  /** Takes each line that PostgreSQL writes, and what is done about it. */
  readonly log?: ((line: string) => void) | undefined
}

export interface EmbeddedPostgres extends AsyncDisposable {
  readonly port: number
  /** Of the postmaster. */
  readonly pid: number
  /** Resolves when PostgreSQL has ended, by `stop` or by itself. */
  readonly exited: Promise<ProcessExit>
  /** A connection URL; the superuser's unless a user and password are given. */
  url(database: string, user?: string, password?: string): string
  /** Ends the sessions, writes a checkpoint and stops (a "fast" shutdown). Safe to call twice. */
  stop(): Promise<void>
  /** Stops at once; the next start recovers from the write-ahead log. */
  kill(): Promise<void>
}

const productionSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // A socket path may be about 100 characters, which a data directory easily exceeds.
  unix_socket_directories: '',
  max_connections: '200',
  fsync: 'on',
  synchronous_commit: 'on',
  // Its compile time costs more than it saves on our short queries.
  jit: 'off',
  max_wal_size: '2GB',
  wal_compression: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
}

/**
 * Starts a private PostgreSQL 18 on 127.0.0.1 and resolves when it takes connections. A PostgreSQL that an earlier, killed
 * run left on the directory is stopped first, so one directory must have one owner at a time.
 * @throws ArtifactError `configuration` (no binaries, port in use, wrong password, foreign directory), `storage-full`, or
 * `backend-unavailable` with PostgreSQL's own reason; the signal's reason when aborted.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { port, settings = {}, environment, signal, log } = options
  const directory = resolve(options.directory)
  const binaries = findPostgres()
  const runner = await findRunner()
  const password = await prepare(binaries, runner, directory, options)
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    if (port !== undefined) await requirePort('127.0.0.1', port, 'give PostgreSQL another port')
    const chosen = port ?? (await freePort())
    const args = ['-D', directory, '-p', String(chosen)]
    for (const [name, value] of Object.entries({ ...productionSettings, ...settings })) args.push('-c', `${name}=${value}`)
    const server = spawnServer({ ...runner.wrap(binaries.postgres, args), env: { ...postgresEnvironment, ...environment }, log })
    const postgres = handle(server, chosen, password)
    const outcome = await waitUntilAnswering(server, directory, postgres.url('postgres'), signal).catch(async error => {
      await postgres.kill()
      throw error
    })
    if (outcome === 'ready') return postgres
    // Backends of a killed postmaster hold the shared memory for a moment; a free port can be lost between choice and use.
    if (attempt === 40 || !isPassing(server.lastLines())) throw startFailure(directory, outcome, server.lastLines())
    await sleep(250, undefined, signal === undefined ? {} : { signal })
  }
}

async function prepare(binaries: PostgresBinaries, runner: Runner, directory: string, options: PostgresOptions): Promise<string> {
  const { settings = {}, signal, log } = options
  const { fsync } = settings
  const password = options.password ?? randomBytes(24).toString('base64url')
  if (!(await hasCluster(directory))) {
    await makeCluster(binaries, runner, { directory, password, durable: fsync !== 'off', signal, log })
  } else if (options.password === undefined) {
    throw new ArtifactError('configuration', `${directory} holds a database already: give the password that it was made with`)
  }
  await stopLeftoverPostgres(directory, log)
  await giveTo(runner, directory)
  return password
}

function handle(server: ServerProcess, port: number, superuserPassword: string): EmbeddedPostgres {
  const immediately = [
    ['SIGQUIT', 6_000],
    // On the postmaster it leaves the backends to find out by themselves, so it comes last.
    ['SIGKILL', 5_000],
  ] as const
  const stop = () => endInSteps(server, [['SIGINT', 30_000], ...immediately])
  return {
    port,
    pid: server.pid,
    exited: server.exited,
    url: (database, user = 'postgres', password = superuserPassword) =>
      `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    stop,
    kill: () => endInSteps(server, immediately),
    [Symbol.asyncDispose]: stop,
  }
}

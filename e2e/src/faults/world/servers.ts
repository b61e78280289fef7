import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { startNats, startPostgres } from '@artifact-store/embedded'
import { descendantsOf, type ListedProcess, listProcesses } from '../../processes.ts'
import { Part } from './part.ts'
import { databasePassword } from './template.ts'

export interface ServerOptions {
  readonly directory: string
  readonly logFile: string
  readonly environment?: Readonly<Record<string, string>> | undefined
  /** Told where it listens, whenever it does so anew. */
  readonly onListening: (port: number) => void
  readonly note: (what: string) => void
}

/** A PostgreSQL on a cluster that is there, with the settings of production but for the room that its log may take. */
export function postgresPart({ directory, logFile, environment, onListening, note }: ServerOptions): Part {
  return new Part({
    name: 'postgres',
    note,
    processes: () => processesWith(`-D ${directory} `),
    async start() {
      const log = createWriteStream(logFile, { flags: 'a' })
      const server = await startPostgres({
        directory,
        password: databasePassword,
        settings: { max_wal_size: '64MB', min_wal_size: '32MB' },
        environment,
        log: line => void log.write(`${line}\n`),
      })
      onListening(server.port)
      return server
    },
  })
}

export const natsLogin = { user: 'faults', password: 'faults' } as const

/** A NATS server with JetStream. */
export function natsPart({ directory, logFile, onListening, note }: ServerOptions): Part {
  return new Part({
    name: 'nats',
    note,
    processes: () => processesWith(`-c ${directory}/`),
    async start() {
      const log = createWriteStream(logFile, { flags: 'a' })
      const server = await startNats({ directory, ...natsLogin, log: line => void log.write(`${line}\n`) })
      onListening(server.port)
      return server
    },
  })
}

/** Where the server keeps the messages of its streams. */
export function jetStreamStore(directory: string): string {
  return join(directory, 'jetstream')
}

/** The processes whose command line has this, and theirs, also while what started them still waits for them. */
async function processesWith(mark: string): Promise<ListedProcess[]> {
  const listed = await listProcesses()
  const roots = listed.filter(({ command }) => `${command} `.includes(mark))
  return [...new Set(roots.flatMap(root => [root, ...descendantsOf(root.pid, listed)]))]
}

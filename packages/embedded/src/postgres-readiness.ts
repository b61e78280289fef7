import { setTimeout as sleep } from 'node:timers/promises'
import { ArtifactError } from '@artifact-store/core'
import { Client, DatabaseError } from 'pg'
import { tellsOfFullDisk } from './postgres-cluster.ts'
import { postmasterStatus } from './postgres-leftover.ts'
import { describeExit, type ProcessExit, type ServerProcess } from './server-process.ts'

/**
 * Resolves to `ready` when a session answers, or to how PostgreSQL ended before. Recovery after a crash takes as long as it
 * takes: there is no time limit.
 * @throws ArtifactError `configuration` when it refuses the password; the signal's reason when aborted.
 */
export async function waitUntilAnswering(
  server: ServerProcess,
  directory: string,
  url: string,
  signal: AbortSignal | undefined,
): Promise<'ready' | ProcessExit> {
  for (;;) {
    await sleep(20)
    if (server.hasExited()) return await server.exited
    signal?.throwIfAborted()
    // Asking before it says so would only put "the database system is starting up" into its log.
    if ((await postmasterStatus(directory, server.pid)) !== 'ready') continue
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('select 1')
      return 'ready'
    } catch (error) {
      if (error instanceof DatabaseError && error.code === '28P01') {
        throw new ArtifactError(
          'configuration',
          'PostgreSQL refuses the password: this data directory was made with another one, whose file must be brought back',
          {
            cause: error,
          },
        )
      }
    } finally {
      await client.end().catch(() => {})
    }
  }
}

/** Whether PostgreSQL refused to start for a reason that goes by itself. */
export function isPassing(lines: readonly string[]): boolean {
  return lines.some(line => /pre-existing shared memory block|Address already in use/.test(line))
}

/** The sentence for a PostgreSQL that ended before it was ready. */
export function startFailure(directory: string, exit: ProcessExit, lines: readonly string[]): ArtifactError {
  const output = lines.join('\n')
  if (tellsOfFullDisk(output)) {
    return new ArtifactError(
      'storage-full',
      `no space is left for the database in ${directory}: free some there, then start again`,
      { details: { output } },
    )
  }
  const reason = lines.findLast(line => /FATAL|PANIC|ERROR/.test(line)) ?? lines.at(-1) ?? 'it wrote nothing'
  return new ArtifactError('backend-unavailable', `PostgreSQL did not start on ${directory} (${describeExit(exit)}): ${reason}`, {
    details: { output },
  })
}

import { ArtifactError, isArtifactError } from '@artifact-store/core'
import type { DataDirectory } from '../data-directory.ts'
import { lockDirectory } from '../instance-lock.ts'
import { readLastPorts } from '../last-ports.ts'
import { startPostgres } from '../postgres.ts'

/** The database of a data directory, for as long as it is needed. */
export interface ServingDatabase extends AsyncDisposable {
  /** The superuser's connection to a database. */
  url(database: string): string
}

/**
 * That of the store that runs there; where none does, it is started for this and nothing else, and stopped again, and no store can start there meanwhile.
 * @throws ArtifactError what starting PostgreSQL throws
 */
export async function servingDatabase(
  data: DataDirectory,
  password: string,
  { signal, say }: { signal: AbortSignal; say: (sentence: string) => void },
): Promise<ServingDatabase> {
  await using stack = new AsyncDisposableStack()
  const lock = await lockDirectory(data.path, data.lock).catch((error: unknown) => {
    if (isArtifactError(error, 'configuration')) return undefined
    throw error
  })
  if (lock !== undefined) {
    stack.use(lock)
    say('no store runs there: its database is started for the backup')
    const postgres = stack.use(await startPostgres({ directory: data.postgres, password, signal }))
    const opened = stack.move()
    return { url: database => postgres.url(database), [Symbol.asyncDispose]: () => opened.disposeAsync() }
  }
  const { postgres: port } = await readLastPorts(data)
  if (port === undefined)
    throw new ArtifactError(
      'backend-unavailable',
      `the store in ${data.path} is still starting: make the backup when it is ready`,
    )
  return {
    url: database => `postgresql://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    [Symbol.asyncDispose]: async () => undefined,
  }
}

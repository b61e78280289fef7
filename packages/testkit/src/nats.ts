import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type EmbeddedNats, startNats } from '@artifact-store/embedded'
import { inject } from 'vitest'
import { natsDirectoryPrefix } from './run-directory.ts'

export interface TestNatsOptions {
  /** The largest message in bytes; 1 MiB when absent. */
  readonly maxPayload?: number | undefined
  /** One that has ended: the new one has its port and its login, and none of its files. */
  readonly insteadOf?: EmbeddedNats | undefined
}

/**
 * Starts a NATS server with JetStream for one test file. Streams may not share subjects, so files that had one server between
 * them would be in each other's way; a server of one's own takes some ten milliseconds.
 * @throws ArtifactError `configuration` when there is no nats-server: such tests fail, they are not skipped.
 */
export async function startTestNats({ maxPayload, insteadOf }: TestNatsOptions = {}): Promise<EmbeddedNats> {
  const directory = newNatsDirectory()
  const password = insteadOf ? new URL(insteadOf.url).password : randomBytes(8).toString('hex')
  return startNats({ directory, port: insteadOf?.port, user: 'test', password, maxPayload })
}

/** For a server that shall come back with its files. Whatever still runs on it is stopped when the run of tests is over. */
export function newNatsDirectory(): string {
  return join(inject('artifactStore').directory, `${natsDirectoryPrefix}${randomBytes(4).toString('hex')}`)
}

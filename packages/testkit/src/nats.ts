import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type EmbeddedNats, startNats } from '@artifact-store/embedded'
import { inject } from 'vitest'
import { natsDirectoryPrefix } from './run-directory.ts'

export interface TestNatsOptions {
  /** The largest message in bytes; 1 MiB when absent. */
  readonly maxPayload?: number | undefined
}

/**
 * Starts a NATS server with JetStream for one test file. Streams may not share subjects, so files that had one server between
 * them would be in each other's way; a server of one's own takes some ten milliseconds.
 * @throws ArtifactError `configuration` when there is no nats-server: such tests fail, they are not skipped.
 */
export async function startTestNats({ maxPayload }: TestNatsOptions = {}): Promise<EmbeddedNats> {
  const directory = join(inject('artifactStore').directory, `${natsDirectoryPrefix}${randomBytes(4).toString('hex')}`)
  return startNats({ directory, user: 'test', password: randomBytes(8).toString('hex'), maxPayload })
}

import { randomUUID } from 'node:crypto'
import { type S3ServerOptions, type S3TestServer, startS3Server } from '@artifact-store/testkit'
import { openS3BlobStore, type S3Options } from '../src/backends/s3.ts'
import { mebibyte } from '../src/conformance/content.ts'
import type { BlobStore, Finding } from '../src/index.ts'
import { parseS3Address } from '../src/s3/address.ts'

/** A server of the S3 protocol, and stores on it, each below a prefix of its own. */
export interface S3UnderTest extends AsyncDisposable {
  readonly server: S3TestServer
  /** What an examination found at the start, when the server did nothing wrong but what it always does. */
  readonly findings: readonly Finding[]
  /** A new empty store, which is not examined again. */
  open(options?: Partial<S3Options>): Promise<BlobStore>
  /** What unfinished puts and examinations of the store that was opened last left. */
  residue(): Promise<readonly string[]>
}

/** Its parts are of 1 MiB, so that a few mebibytes make a large blob. */
export async function startS3UnderTest(options: S3ServerOptions = {}): Promise<S3UnderTest> {
  const server = await startS3Server({ leastPart: mebibyte, ...options })
  let prefix = ''
  const settings = (of: string): S3Options => ({
    ...parseS3Address(new URL(server.address(of))),
    partSize: mebibyte,
    credentials: server.credentials,
  })
  await using examined = await openS3BlobStore(settings('examined'))
  const { findings } = examined.report()
  return {
    server,
    findings,
    open: (more = {}) => {
      prefix = randomUUID()
      return openS3BlobStore({ ...settings(prefix), findings, ...more })
    },
    async residue() {
      const keys = [...server.state.objects.keys(), ...[...server.state.uploads.values()].map(({ key }) => key)]
      return keys.filter(key => key.startsWith(`${prefix}/`) && !/^[^/]*\/(blobs|uploads)\//.test(key))
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

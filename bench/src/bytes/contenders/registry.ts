import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '@artifact-store/embedded'
import { type Contender, expectStatus } from '../contender.ts'
import { programAt, startChild } from './child.ts'

/** The CNCF registry (Debian's docker-registry) on a directory: hashes with SHA-256. Undefined where it is not installed. */
export async function startRegistry(directory: string): Promise<Contender | undefined> {
  const program = programAt('/usr/bin/docker-registry')
  if (!program) return undefined
  const port = await freePort()
  const config = join(directory, 'registry.yml')
  await writeFile(
    config,
    `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${directory}/data }, cache: { blobdescriptor: inmemory } }
http: { addr: '127.0.0.1:${port}' }
`,
  )
  const child = await startChild(program, ['serve', config], port)
  return {
    name: 'CNCF registry',
    port,
    pid: child.pid,
    mover: child.pid,
    async put(connection, { pieces, sha256 }) {
      const begun = await connection.call({ method: 'POST', path: '/v2/bench/blobs/uploads/', headers: {} })
      expectStatus('the beginning of the upload', begun, 202)
      const { pathname, search } = new URL(begun.headers.get('location') ?? '', 'http://bench')
      const digest = `sha256:${sha256()}`
      const path = `${pathname}${search}${search === '' ? '?' : '&'}digest=${digest}`
      const put = await connection.call({
        method: 'PUT',
        path,
        headers: { 'content-type': 'application/octet-stream' },
        body: pieces,
      })
      expectStatus('the upload', put, 201)
      return `/v2/bench/blobs/${digest}`
    },
    async get(connection, path) {
      const answer = await connection.call({ method: 'GET', path, headers: {} })
      expectStatus('the get', answer, 200)
      return answer.length
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

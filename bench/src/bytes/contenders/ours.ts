import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '@artifact-store/embedded'
import { Connection } from '../connection.ts'
import { type Contender, expectStatus } from '../contender.ts'
import { findBelow } from '../usage.ts'
import { startChild } from './child.ts'

const token = 'the-token-of-this-measurement'

/** The whole system as `npm start` runs it, without NATS: both digests, flushed, in the log and shown by reads before a put is answered. */
export async function startOurs(
  directory: string,
  kernel: 'portable' | 'native',
): Promise<Contender & { readonly token: string }> {
  await mkdir(directory, { recursive: true })
  const port = await freePort()
  const script = fileURLToPath(import.meta.resolve('../../../../scripts/start.ts'))
  const child = await startChild(process.execPath, [script], port, {
    ARTIFACT_STORE_DATA: directory,
    ARTIFACT_STORE_PORT: String(port),
    ARTIFACT_STORE_TOKEN: token,
    ARTIFACT_STORE_NATS: 'off',
    LOG_LEVEL: 'warn',
    HASH_KERNEL: kernel,
  })
  const headers = { authorization: `Bearer ${token}` }
  const files = await openPackage(port, headers)
  return {
    name: `ours, ${kernel}`,
    port,
    token,
    pid: child.pid,
    mover: findBelow(child.pid, 'services/gateway'),
    async put(connection, { name, pieces }) {
      const path = `${files}/${name}`
      expectStatus('the put', await connection.call({ method: 'PUT', path, headers, body: pieces }), 201)
      return path
    },
    async get(connection, path) {
      const answer = await connection.call({ method: 'GET', path, headers })
      expectStatus('the get', answer, 200)
      return answer.length
    },
    async tar(connection, pieces, count) {
      const answer = await connection.call({
        method: 'POST',
        path: files,
        headers: { ...headers, 'content-type': 'application/x-tar' },
        body: pieces,
      })
      expectStatus('the tar stream', answer, 200)
      const lines = answer.length
      if (lines < count * 100) throw new Error(`the answer to ${count} files is too short`)
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

async function openPackage(port: number, headers: Readonly<Record<string, string>>): Promise<string> {
  for (;;) {
    using connection = await Connection.open(port)
    const body = [Buffer.from(JSON.stringify({ name: 'bench/bytes', kind: 'bench' }))]
    const answer = await connection.call({
      method: 'POST',
      path: '/v1/packages',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
    })
    // The first token may not be valid yet.
    if (answer.status === 401 || answer.status === 503) continue
    expectStatus('the package', answer, 201)
    return `/v1/packages/${JSON.parse(answer.text).id}/files`
  }
}

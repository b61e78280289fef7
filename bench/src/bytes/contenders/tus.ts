import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@artifact-store/embedded'
import { type Contender, expectStatus } from '../contender.ts'
import { startChild } from './child.ts'

/** @tus/server with its file store, each upload in one request (creation-with-upload). */
export async function startTus(directory: string): Promise<Contender> {
  const port = await freePort()
  const files = join(directory, 'files')
  await mkdir(files, { recursive: true })
  const script = fileURLToPath(new URL('./tus-process.ts', import.meta.url))
  const child = await startChild(process.execPath, [script, files, String(port)], port)
  return {
    name: '@tus/server',
    port,
    pid: child.pid,
    mover: child.pid,
    async put(connection, { pieces, size }) {
      const headers = { 'tus-resumable': '1.0.0', 'upload-length': size, 'content-type': 'application/offset+octet-stream' }
      const answer = await connection.call({ method: 'POST', path: '/files', headers, body: pieces })
      expectStatus('the upload', answer, 201)
      return new URL(answer.headers.get('location') ?? '', 'http://bench').pathname
    },
    async get(connection, path) {
      const answer = await connection.call({ method: 'GET', path, headers: {} })
      expectStatus('the get', answer, 200)
      return answer.length
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

import { appendFile, mkdtempDisposable, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashBytes } from '@artifact-store/blobs'
import { expect, it } from 'vitest'
import { type PushProgress, push } from '../src/index.ts'
import { id, samplePackage } from './sample-package.ts'
import { bodyOf, SmallServer, sendJson, sendProblem } from './small-server.ts'

const zero = '0'.repeat(64)
const found = samplePackage()

/** What a gateway was told in one push. `known` are texts whose bytes it says it has; `gone` those that it then turns out not to have. */
async function serve(known: readonly string[] = [], gone: readonly string[] = []) {
  const digests = async (texts: readonly string[]) =>
    new Set<string>(await Promise.all(texts.map(async text => (await hashBytes(Buffer.from(text))).digest)))
  const [knownDigests, goneDigests] = [await digests([...known, ...gone]), await digests(gone)]
  let asked: (() => Promise<void>) | undefined
  const whenAsked = (work: () => Promise<void>) => {
    asked = work
  }
  const uploaded: Record<string, string> = {}
  const added: string[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const path = decodeURIComponent(request.url ?? '')
    const body = (await bodyOf(request)).toString()
    if (path === '/v1/packages') return sendJson(response, 201, found)
    if (path === `/v1/packages/${id}`) return sendJson(response, 200, found)
    if (path === '/v1/blobs/missing') {
      await asked?.()
      const { digests: wanted }: { digests: string[] } = JSON.parse(body)
      return sendJson(response, 200, { missing: wanted.filter(digest => !knownDigests.has(digest)) })
    }
    if (path === `/v1/packages/${id}/finalize`) {
      const answer = { id, manifestDigest: `blake3:${zero}`, manifestSha256: `sha256:${zero}`, fileCount: 0, totalSize: 0 }
      return sendJson(response, 200, answer)
    }
    if (request.method === 'PUT') {
      const name = path.split('/files/')[1] ?? ''
      const { digest, sha256, size } = await hashBytes(Buffer.from(body))
      const wanted = /blake3=:(.+?):/.exec(String(request.headers['repr-digest']))?.[1]
      if (wanted !== Buffer.from(digest.slice(7), 'hex').toString('base64'))
        return sendProblem(response, 400, 'digest-mismatch', 'other bytes')
      uploaded[name] = body
      return sendJson(response, 201, { path: name, digest, sha256, size, mediaType: String(request.headers['content-type']) })
    }
    const results = JSON.parse(body).files.map((file: { path: string; digest: string; mediaType: string }) => {
      if (goneDigests.has(file.digest)) {
        return {
          path: file.path,
          status: 404,
          problem: { type: 'https://x/problems/blob-not-found', status: 404, detail: 'gone' },
        }
      }
      added.push(file.path)
      return { path: file.path, status: 201, file: { ...file, sha256: `sha256:${zero}`, size: 1 } }
    })
    return sendJson(response, 200, { results })
  }
  const server = await SmallServer.start(handle)
  return { server, uploaded, added, whenAsked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

async function withFiles(files: Readonly<Record<string, string>>, work: (directory: string) => Promise<void>): Promise<void> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'push-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory.path, name), text)
  await work(directory.path)
}

const target = { name: 'ci/nightly', kind: 'evidence' }

it('sends the bytes that are missing once, whatever number of files have them, and adds the others by their digest', async () => {
  await using gateway = await serve(['old'])
  await withFiles({ 'a.txt': 'old', b: 'new', c: 'new', d: '', e: 'other' }, async directory => {
    using client = gateway.server.client()
    const seen: PushProgress[] = []
    const pushed = await push(client, directory, { ...target, onProgress: progress => seen.push(progress) })
    expect(Object.values(gateway.uploaded).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['', 'new', 'other'])
    expect([...Object.keys(gateway.uploaded), ...gateway.added].toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'a.txt',
      'b',
      'c',
      'd',
      'e',
    ])
    expect(pushed).toMatchObject({ pushedFiles: 5, pushedBytes: 14, sentBytes: 8 })
    expect(seen.at(-1)).toMatchObject({ phase: 'finalizing', packageId: id, filesStored: 5, bytesHashed: 14, bytesStored: 14 })
  })
})

it('sends bytes after all that the store said it had and then has not', async () => {
  await using gateway = await serve([], ['swept away'])
  await withFiles({ file: 'swept away' }, async directory => {
    using client = gateway.server.client()
    await push(client, directory, target)
    expect(gateway.uploaded).toEqual({ file: 'swept away' })
  })
})

it('continues an open package without making another', async () => {
  await using gateway = await serve()
  await withFiles({ file: 'x' }, async directory => {
    using client = gateway.server.client()
    expect(await push(client, directory, { packageId: id })).toMatchObject({ id })
    expect(gateway.server.requests.some(request => request.method === 'POST' && request.url === '/v1/packages')).toBe(false)
  })
})

it('refuses a file that changes between being hashed and being sent, and finalizes nothing', async () => {
  await using gateway = await serve()
  await withFiles({ file: 'x' }, async directory => {
    using client = gateway.server.client()
    // The store is asked what it has when the file has been hashed and is not sent yet.
    gateway.whenAsked(() => appendFile(join(directory, 'file'), ' and more'))
    await expect(push(client, directory, target)).rejects.toMatchObject({
      kind: 'digest-mismatch',
      message: '"file" changed while it was being pushed: push again when nothing writes to it',
    })
    expect(gateway.server.requests.some(request => request.url?.endsWith('/finalize'))).toBe(false)
  })
})

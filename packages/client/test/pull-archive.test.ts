import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pullArchive } from '../src/index.ts'
import { id } from './sample-package.ts'
import { type Handler, SmallServer, sendProblem } from './small-server.ts'

const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 256))

/** A gateway that serves the archive by ranges, and breaks off after 100,000 bytes of each answer. */
const breaking: Handler = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const range = start > 0 ? { 'content-range': `bytes ${start}-299999/300000` } : {}
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': 300_000 - start, etag: '"tar-1-x"', ...range })
  if (start >= 200_000) return response.end(bytes.subarray(start))
  return response.write(bytes.subarray(start, start + 100_000), () => request.socket.end())
}

describe('an archive that is pulled', () => {
  it('goes on where a broken connection stopped, by the same bytes, and gets its name when it is whole', async () => {
    await using server = await SmallServer.start(breaking)
    using client = server.client()
    await using directory = await mkdtempDisposable(join(tmpdir(), 'archive-'))
    const place = join(directory.path, 'it.tar')
    const seen: number[] = []
    expect(await pullArchive(client, id, 'tar', place, { onProgress: done => seen.push(done) })).toEqual({ bytes: 300_000 })
    expect(Buffer.compare(await readFile(place), bytes)).toBe(0)
    expect(await readdir(directory.path)).toEqual(['it.tar'])
    expect(seen.at(-1)).toBe(300_000)
    const [first, ...others] = server.requests.map(({ headers }) => ({ range: headers.range, ifMatch: headers['if-match'] }))
    expect(first).toEqual({ range: undefined, ifMatch: undefined })
    // How much of an answer arrives before its connection breaks is up to the network.
    expect(others.length).toBeGreaterThan(1)
    for (const other of others) expect(other).toEqual({ range: expect.stringMatching(/^bytes=[1-9]\d*-$/), ifMatch: '"tar-1-x"' })
    expect(server.requests[0]?.url).toBe(`/v1/packages/${id}/archive?format=tar`)
  })

  it('takes the place of nothing', async () => {
    await using server = await SmallServer.start((_request, response) => response.end('whole'))
    using client = server.client()
    await using directory = await mkdtempDisposable(join(tmpdir(), 'archive-'))
    const place = join(directory.path, 'it.zip')
    await writeFile(place, 'mine')
    await expect(pullArchive(client, id, 'zip', place)).rejects.toMatchObject({ kind: 'path-taken' })
    expect(await readFile(place, 'utf8')).toBe('mine')
    expect(await readdir(directory.path)).toEqual(['it.zip'])
  })

  it('leaves nothing behind when it is refused', async () => {
    await using server = await SmallServer.start((_request, response) =>
      sendProblem(response, 409, 'package-not-finalized', 'it is open'),
    )
    using client = server.client()
    await using directory = await mkdtempDisposable(join(tmpdir(), 'archive-'))
    await expect(pullArchive(client, id, 'tar', join(directory.path, 'x'))).rejects.toMatchObject({
      kind: 'package-not-finalized',
    })
    expect(await readdir(directory.path)).toEqual([])
  })
})

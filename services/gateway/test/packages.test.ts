import { createHash } from 'node:crypto'
import { blake3, canonicalJson, digestFromBytes } from '@artifact-store/core'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api

beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
})
afterAll(() => system[Symbol.asyncDispose]())

describe('a package from its opening to its end', () => {
  it('is opened, filled, finalized and read back', async () => {
    const created = await api.call('POST', '/v1/packages', {
      json: {
        name: 'ci/nightly',
        version: '2026-11-23',
        kind: 'evidence',
        producer: 'ci job 7',
        labels: { branch: 'main' },
        inputs: [{ uri: 'git:abc' }],
      },
    })
    expect(created.status).toBe(201)
    const id = created.json.id
    expect(created.headers.get('location')).toBe(`/v1/packages/${id}`)
    expect(created.json).toMatchObject({
      state: 'open',
      name: 'ci/nightly',
      version: '2026-11-23',
      labels: { branch: 'main' },
      createdBy: 'admin',
      revision: 1,
    })

    const bytes = Buffer.from('<testsuites/>')
    const put = await api.call('PUT', `/v1/packages/${id}/files/junit/report%201.xml`, {
      body: bytes,
      headers: { 'content-type': 'application/xml; charset=utf-8' },
    })
    expect(put.status).toBe(201)
    expect(put.json).toEqual({
      path: 'junit/report 1.xml',
      digest: digestFromBytes(blake3(bytes)),
      sha256: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
      size: bytes.length,
      mediaType: 'application/xml',
    })
    expect((await api.call('PUT', `/v1/packages/${id}/files/a.bin`, { body: '' })).status).toBe(201)

    const finalized = await api.call('POST', `/v1/packages/${id}/finalize`)
    expect(finalized.status).toBe(200)
    const manifest = await api.call('GET', `/v1/packages/${id}/manifest`)
    expect(manifest.headers.get('content-type')).toBe('application/vnd.oci.image.manifest.v1+json')
    expect(finalized.json.manifestDigest).toBe(digestFromBytes(blake3(manifest.bytes)))
    expect(finalized.json.manifestSha256).toBe(`sha256:${createHash('sha256').update(manifest.bytes).digest('hex')}`)
    const parsed = JSON.parse(manifest.bytes.toString())
    expect(canonicalJson(parsed)).toBe(manifest.bytes.toString())
    expect(
      parsed.layers.map((layer: { annotations: Record<string, string> }) => layer.annotations['org.opencontainers.image.title']),
    ).toEqual(['a.bin', 'junit/report 1.xml'])
    const config = await api.call('GET', `/v1/blobs/${parsed.config.digest}`)
    expect(JSON.parse(config.bytes.toString())).toMatchObject({ id, name: 'ci/nightly', version: '2026-11-23' })

    const shown = await api.call('GET', `/v1/packages/${id}`)
    expect(shown.json).toMatchObject({
      state: 'finalized',
      fileCount: 2,
      totalSize: bytes.length,
      manifestDigest: finalized.json.manifestDigest,
    })
    const file = await api.call('GET', `/v1/packages/${id}/files/junit/report%201.xml`)
    expect(file.bytes).toEqual(bytes)
    expect(file.headers.get('content-disposition')).toContain('filename="report 1.xml"')
  })

  it('answers the same when it is finalized again, and refuses another expectation', async () => {
    const id = await api.createPackage()
    await api.call('PUT', `/v1/packages/${id}/files/x`, { body: 'x' })
    const first = await api.call('POST', `/v1/packages/${id}/finalize`)
    const again = await api.call('POST', `/v1/packages/${id}/finalize`, {
      json: { expectedManifestDigest: first.json.manifestDigest },
    })
    expect(again.json).toEqual(first.json)
    expect(again.headers.get('artifact-position')).toBeNull()
    const before = await api.footprint()
    const other = await api.call('POST', `/v1/packages/${id}/finalize`, {
      json: { expectedManifestDigest: `blake3:${'0'.repeat(64)}` },
    })
    expect(other.status).toBe(409)
    expect(other.json.type).toMatch(/manifest-mismatch$/)
    expect(await api.footprint()).toEqual(before)
  })

  it('finalizes without a file, with the empty layer that OCI asks for', async () => {
    const id = await api.createPackage()
    const finalized = await api.call('POST', `/v1/packages/${id}/finalize`)
    expect(finalized.status).toBe(200)
    const manifest = await api.call('GET', `/v1/packages/${id}/manifest`)
    const [layer] = manifest.json.layers
    expect((await api.call('GET', `/v1/blobs/${layer.digest}`)).bytes.toString()).toBe('{}')
  })

  it('makes one package of many simultaneous files, each with its own answer', async () => {
    const id = await api.createPackage()
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, i) =>
        api.call('PUT', `/v1/packages/${id}/files/many/${i}.txt`, { body: `file ${i % 40}` }),
      ),
    )
    expect(answers.map(answer => answer.status)).toEqual(answers.map(() => 201))
    const shown = await api.call('GET', `/v1/packages/${id}`)
    expect(shown.json.fileCount).toBe(120)
    // They came together, so they became far fewer events.
    expect(shown.json.revision).toBeLessThan(60)
  })

  it('lets one of two gateways win where both add a file at the same path', async () => {
    const other = apiOf(system, (await system.startGateway()).url)
    const id = await api.createPackage()
    for (let round = 0; round < 10; round += 1) {
      const path = `/v1/packages/${id}/files/round-${round}`
      const answers = await Promise.all([api.call('PUT', path, { body: 'one' }), other.call('PUT', path, { body: 'two' })])
      expect(answers.map(answer => answer.status).sort()).toEqual([201, 409])
      const winner = answers[0]?.status === 201 ? 'one' : 'two'
      expect((await api.call('GET', path)).bytes.toString()).toBe(winner)
    }
  })

  it('takes a file out again while the package is open', async () => {
    const id = await api.createPackage()
    await api.call('PUT', `/v1/packages/${id}/files/x`, { body: 'wrong' })
    expect((await api.call('DELETE', `/v1/packages/${id}/files/x`)).status).toBe(204)
    expect((await api.call('GET', `/v1/packages/${id}/files/x`)).json.type).toMatch(/file-not-found$/)
    expect((await api.call('DELETE', `/v1/packages/${id}/files/x`)).status).toBe(404)
    expect((await api.call('PUT', `/v1/packages/${id}/files/x`, { body: 'right' })).status).toBe(201)
    expect((await api.call('GET', `/v1/packages/${id}`)).json).toMatchObject({ fileCount: 1, totalSize: 5 })
  })

  it('is discarded once and answers the same again', async () => {
    const id = await api.createPackage()
    await api.call('PUT', `/v1/packages/${id}/files/x`, { body: 'x' })
    const discarded = await api.call('POST', `/v1/packages/${id}/discard`, { json: { reason: 'a mistake' } })
    expect(discarded.json).toMatchObject({ state: 'discarded', closingReason: 'a mistake', fileCount: 0 })
    expect((await api.call('POST', `/v1/packages/${id}/discard`)).json).toEqual(discarded.json)
    for (const [method, path] of [
      ['PUT', 'files/y'],
      ['POST', 'finalize'],
    ] as const) {
      const refused = await api.call(method, `/v1/packages/${id}/${path}`, method === 'PUT' ? { body: 'y' } : {})
      expect(refused.json.type).toMatch(/package-sealed$/)
    }
  })

  it('is created once however often the request is repeated with its key', async () => {
    const request = { json: { name: 'ci/idempotent', kind: 'logs' }, headers: { 'idempotency-key': 'request-1' } }
    const answers = await Promise.all(Array.from({ length: 5 }, () => api.call('POST', '/v1/packages', request)))
    expect(new Set(answers.map(answer => answer.json.id)).size).toBe(1)
    const other = await api.call('POST', '/v1/packages', { ...request, json: { name: 'ci/other', kind: 'logs' } })
    expect(other.status).toBe(422)
    expect(other.json.type).toMatch(/idempotency-key-reused$/)
  })

  it.each(['emoji \u{1F389}.json', '中文/报告.txt', 'a%ff.txt', 'a plus + and & = ? #', 'trailing dot.', 'ünïcode'])(
    'keeps a file under the odd name %s',
    async name => {
      const id = await api.createPackage()
      const address = `/v1/packages/${id}/files/${name.split('/').map(encodeURIComponent).join('/')}`
      const put = await api.call('PUT', address, { body: name })
      expect(put.status).toBe(201)
      expect(put.json.path).toBe(name)
      const got = await api.call('GET', put.headers.get('location') ?? '')
      expect(got.bytes.toString()).toBe(name)
    },
  )

  it('adds files by the digests of bytes that are there, with a result for each', async () => {
    const id = await api.createPackage()
    const stored = await api.call('PUT', `/v1/packages/${id}/files/original`, { body: 'shared bytes' })
    const missing = `blake3:${'1'.repeat(64)}`
    const asked = await api.call('POST', '/v1/blobs/missing', {
      json: { digests: [stored.json.sha256, missing, stored.json.digest] },
    })
    expect(asked.json).toEqual({ missing: [missing] })
    const added = await api.call('POST', `/v1/packages/${id}/files`, {
      json: {
        files: [
          { path: 'copy', digest: stored.json.digest },
          { path: 'by-sha', digest: stored.json.sha256, mediaType: 'text/plain' },
          { path: 'original', digest: stored.json.digest },
          { path: 'gone', digest: missing },
          { path: '../up', digest: stored.json.digest },
          { path: 'copy/below', digest: stored.json.digest },
        ],
      },
    })
    expect(added.json.results.map((result: { status: number }) => result.status)).toEqual([201, 201, 200, 404, 400, 409])
    expect((await api.call('GET', `/v1/packages/${id}/files/by-sha`)).headers.get('content-type')).toBe('text/plain')
  })

  it('pages through packages, newest first, and through files in the order of their bytes', async () => {
    const ids: string[] = []
    for (let i = 0; i < 7; i += 1) ids.unshift(await api.createPackage({ name: 'paged', labels: { number: String(i % 2) } }))
    const seen: string[] = []
    let next: string | undefined
    do {
      const page = await api.call('GET', `/v1/packages?name=paged&limit=3${next ? `&cursor=${next}` : ''}`)
      seen.push(...page.json.packages.map((shown: { id: string }) => shown.id))
      next = page.json.next
      expect(page.headers.get('link')?.includes('rel="next"') ?? false).toBe(next !== undefined)
    } while (next)
    expect(seen).toEqual(ids)
    const labelled = await api.call('GET', '/v1/packages?name=paged&label=number:1')
    expect(labelled.json.packages).toHaveLength(3)

    const [id] = ids
    const names = ['Z', 'a', 'a.b', 'a-', 'ä', '\u{1F600}', '\uFB33', 'b/c', 'b.c']
    for (const name of names)
      await api.call('PUT', `/v1/packages/${id}/files/${encodeURIComponent(name).replaceAll('%2F', '/')}`, { body: name })
    const listed: string[] = []
    next = undefined
    do {
      const page = await api.call('GET', `/v1/packages/${id}/files?limit=2${next ? `&cursor=${next}` : ''}`)
      listed.push(...page.json.files.map((file: { path: string }) => file.path))
      next = page.json.next
    } while (next)
    expect(listed).toEqual(
      names.map(name => name.normalize('NFC')).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    )
  })

  it('answers before reads show the write where the client prefers that', async () => {
    const id = await api.createPackage()
    const put = await api.call('PUT', `/v1/packages/${id}/files/x`, { body: 'x', headers: { prefer: 'respond-async' } })
    expect(put.status).toBe(201)
    expect(put.headers.get('preference-applied')).toBe('respond-async')
    const position = put.headers.get('artifact-position') ?? ''
    const read = await api.call('GET', `/v1/packages/${id}/files/x`, { headers: { 'artifact-min-position': position } })
    expect(read.bytes.toString()).toBe('x')
  })

  it('shows a write to the next read of another gateway that names its position', async () => {
    const other = apiOf(system, (await system.startGateway()).url)
    for (let i = 0; i < 10; i += 1) {
      const created = await api.call('POST', '/v1/packages', { json: { name: 'seen', kind: 'logs' } })
      const position = created.headers.get('artifact-position') ?? ''
      const read = await other.call('GET', `/v1/packages/${created.json.id}`, { headers: { 'artifact-min-position': position } })
      expect(read.status).toBe(200)
    }
  })
})

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../src/run.ts'

let system: RunningSystem
/** The digests of the files of one package. */
let digests: readonly string[]

beforeAll(async () => {
  system = await startSystem()
  const { id } = (await call('POST', '/v1/packages', JSON.stringify({ name: 'ci/nightly', kind: 'evidence' }))) as { id: string }
  const put = async (path: string) =>
    (await call('PUT', `/v1/packages/${id}/files/${path}`, `the bytes of ${path}`)) as { digest: string }
  digests = (await Promise.all(['a', 'b', 'c', 'd'].map(put))).map(({ digest }) => digest)
})
afterAll(() => system[Symbol.asyncDispose]())

async function call(method: string, path: string, body: string): Promise<unknown> {
  const headers = {
    authorization: `Bearer ${system.token}`,
    'content-type': method === 'POST' ? 'application/json' : 'text/plain',
  }
  return (await fetch(`${system.gateway.url}${path}`, { method, headers, body })).json()
}

async function check(...flags: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const args = ['admin', 'check', '--url', system.gateway.url, '--token', system.token, ...flags]
  const exitCode = await run(args, { stdout, stderr, signal: new AbortController().signal })
  return { exitCode, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') }
}

/** What was found, each as `part at`. */
async function findings(...flags: readonly string[]): Promise<string[]> {
  const { exitCode, out } = await check('--json', ...flags)
  const found = (JSON.parse(out) as { findings: { part: string; at?: string; says: string }[] }).findings
  expect(exitCode).toBe(found.length === 0 ? 0 : 1)
  return found.map(({ part, at, says }) => `${part} ${at} ${says}`)
}

const fileOf = (digest = '') => {
  const hex = digest.slice('blake3:'.length)
  return join(system.blobs, 'blobs', 'blake3', hex.slice(0, 2), hex.slice(2, 4), hex)
}

describe('a store', () => {
  it('is whole, and that is told part by part', async () => {
    const { exitCode, out, err } = await check('--bytes')
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: expect.not.stringContaining('not whole') })
    expect(out).toMatch(/^log {5}\d+ events up to \d+, read and hashed again$/m)
    expect(out).toMatch(/^blobs {3}4 blobs, named by 4 files, 56 B read and hashed again$/m)
    expect(out).toMatch(/^stream /m)
    expect(out).toMatch(/^views {3}at \d+ what a fresh replay of the log makes of them: blake3:/m)
    expect(await findings('--bytes')).toEqual([])
  })

  it('is not whole where bytes are gone, cut, or others, the last of which only reading them shows', async () => {
    const [gone = '', cut = '', other = ''] = digests
    await rm(fileOf(gone))
    await rm(fileOf(cut))
    await writeFile(fileOf(cut), 'the bytes of')
    await rm(fileOf(other))
    await writeFile(fileOf(other), 'THE BYTES OF c')
    const seen = [`blobs ${gone} its bytes are missing`, `blobs ${cut} it has 12 bytes instead of ${'the bytes of b'.length}`]
    expect(new Set(await findings())).toEqual(new Set(seen))
    const read = [
      ...seen,
      expect.stringMatching(new RegExp(`^blobs ${other} its bytes are others: they have the digest blake3:`)),
    ]
    const found = await findings('--bytes')
    expect(found).toHaveLength(3)
    expect(found).toEqual(expect.arrayContaining(read))
  })

  it('shows as many findings as are asked for, and counts the rest', async () => {
    const { exitCode, out, err } = await check('--limit', '1')
    expect(exitCode).toBe(1)
    expect(out.split('\n').filter(line => line.startsWith('NO  blobs:'))).toHaveLength(1)
    expect(out).toContain('NO  and 1 more, which --limit or --json show')
    expect(err).toContain('the store is not whole: 2 findings')
    for (const [i, name] of ['a', 'b', 'c'].entries()) await writeFile(fileOf(digests[i]), `the bytes of ${name}`)
    expect((await check('--bytes')).exitCode).toBe(0)
  })

  it('is not whole where the views say what the log does not', async () => {
    await system.database.pool.query(`update views.package_files set digest = $1 where path = 'd'`, [`blake3:${'0'.repeat(64)}`])
    const found = await findings()
    expect(found).toEqual([
      expect.stringMatching(/^references [0-9a-f-]+\/d it names blake3:0000/),
      expect.stringMatching(/^views undefined at \d+ they differ from a fresh replay/),
    ])
    await system.database.pool.query(`update views.package_files set digest = $1 where path = 'd'`, [digests[3]])
    expect(await findings()).toEqual([])
  })

  it('is not whole where an event is gone, or its payload is another', async () => {
    const client = system.database.pool
    await client.query('alter table log.events disable trigger events_are_immutable')
    await client.query(
      `update log.events set payload = convert_to(replace(convert_from(payload, 'UTF8'), 'ci/nightly', 'ci/NIGHTLY'), 'UTF8') where event_type = 'v1.package.created'`,
    )
    const { rows } = await client.query<{ sequence: string }>(
      `select sequence from log.events where event_type = 'v1.package.created'`,
    )
    const { rows: deleted } = await client.query<{ sequence: string }>(
      `delete from log.events where sequence = (select min(sequence) from log.events where event_type = 'v1.blob.stored') returning sequence`,
    )
    const [altered] = rows.map(({ sequence }) => sequence)
    const missing = Number(deleted.map(({ sequence }) => sequence)[0])
    const { out } = await check()
    expect(out).toContain(`NO  log: ${altered}: its payload does not have the digest that was recorded`)
    expect(out).toContain(`NO  log: ${missing + 1}: event ${missing} is missing`)
  })
})

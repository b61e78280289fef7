import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { type RunningSystem, startSystem, startTcpProxy } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../src/run.ts'

interface Told {
  readonly exitCode: number
  readonly said: string
  /** The verdict about each thing. */
  readonly verdicts: Readonly<Record<string, string>>
  readonly wrong: readonly { about: string; says: string; advice?: string }[]
}

async function doctor(url: string, token: string, ...flags: readonly string[]): Promise<Told> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const args = ['doctor', '--json', '--url', url, '--token', token, ...flags]
  const exitCode = await run(args, { stdout, stderr, signal: new AbortController().signal })
  const { findings, healthy } = JSON.parse(String(stdout.read()))
  expect(healthy).toBe(exitCode === 0)
  return {
    exitCode,
    said: String(stderr.read() ?? ''),
    verdicts: Object.fromEntries(findings.map(({ about, verdict }: Record<string, string>) => [about, verdict])),
    wrong: findings.filter(({ verdict }: Record<string, string>) => verdict === 'wrong'),
  }
}

describe('what the doctor says of a running store', () => {
  let system: RunningSystem
  beforeAll(async () => {
    system = await startSystem()
  })
  afterAll(() => system[Symbol.asyncDispose]())

  it('is good of one that is well, a round trip of bytes included', async () => {
    const told = await doctor(system.gateway.url, system.token, '--write')
    expect(told).toMatchObject({ exitCode: 0, said: '', wrong: [] })
    expect(told.verdicts).toMatchObject({
      gateway: 'good',
      clock: 'good',
      version: 'good',
      'readiness: postgres': 'good',
      token: 'good',
      'log-writer': 'good',
      views: 'good',
      'server-sent events': 'good',
      'round trip': 'good',
    })
    expect((await doctor(system.gateway.url, system.token, '--write')).exitCode).toBe(0)
  })

  it('is for a person, without --json, a line for each thing', async () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const args = ['doctor', '--url', system.gateway.url, '--token', 'of-another-store']
    expect(await run(args, { stdout, stderr, signal: new AbortController().signal })).toBe(1)
    const lines = String(stdout.read())
    expect(lines).toMatch(/^ok {2}gateway: gateway \S+ answers at http/m)
    expect(lines).toMatch(/^NO {2}token: the token is not known here.*\n {4}give another one by --token/m)
    expect(String(stderr.read())).toBe(`artifact: not all is well with ${system.gateway.url}: token\n`)
  })

  it('names a token that may not read, and one that may not write', async () => {
    const issued = async (scope: string) => {
      const answer = await fetch(`${system.gateway.url}/v1/tokens`, {
        method: 'POST',
        headers: { authorization: `Bearer ${system.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ actor: 'ci', scopes: [scope] }),
      })
      return ((await answer.json()) as { token: string }).token
    }
    const writer = await doctor(system.gateway.url, await issued('write'))
    expect(writer.wrong).toMatchObject([{ about: 'token', advice: expect.stringContaining('scope "read"') }])
    const reader = await doctor(system.gateway.url, await issued('read'), '--write')
    expect(reader).toMatchObject({ exitCode: 0, verdicts: { 'round trip': 'doubtful' } })
  })

  it('is that something on the way holds events back, where it does', async () => {
    await using proxy = await answering((request, response) => {
      // A proxy that buffers: the stream is opened, and nothing comes.
      if (request.headers.accept === 'text/event-stream')
        return void response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      const headers = { authorization: `Bearer ${system.token}` }
      void fetch(`${system.gateway.url}${request.url}`, { headers }).then(async answer => {
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
      })
    })
    const told = await doctor(proxy.url, system.token)
    expect(told.wrong).toMatchObject([{ about: 'server-sent events', advice: expect.stringContaining('proxy_buffering off') }])
  })

  it('is that the database is gone, by the readiness of the gateway', async () => {
    const url = new URL(system.database.urlFor('gateway'))
    const way = await startTcpProxy(Number(url.port))
    url.port = String(way.port)
    await using gateway = await system.startGateway({ DATABASE_URL: url.href })
    expect((await doctor(gateway.url, system.token)).exitCode).toBe(0)
    await way[Symbol.asyncDispose]()
    await expect
      .poll(async () => (await doctor(gateway.url, system.token)).wrong.map(({ about }) => about), { timeout: 20_000 })
      .toEqual(['readiness: postgres', 'readiness: views', 'readiness: archive', 'token'])
  })

  it('is that no projector runs, and then that no log-writer does', async () => {
    await system.projector.stop()
    expect(await doctor(system.gateway.url, system.token)).toMatchObject({
      exitCode: 1,
      wrong: [
        { about: 'views', says: expect.stringContaining('no projector'), advice: expect.stringContaining('start a projector') },
      ],
    })
    await system.logWriter.kill()
    await expect
      .poll(async () => (await doctor(system.gateway.url, system.token)).wrong.map(({ about }) => about), { timeout: 10_000 })
      .toEqual(['readiness: log-writer', 'log-writer', 'views'])
  })
})

describe('what the doctor says of what is no running store', () => {
  it('is that nothing answers', async () => {
    const gone = await answering(() => undefined)
    await gone[Symbol.asyncDispose]()
    expect((await doctor(gone.url, 't')).wrong).toMatchObject([
      { about: 'gateway', says: expect.stringContaining('nothing answers at') },
    ])
  })

  it('is that something else answers, or in another protocol', async () => {
    await using other = await answering((_, response) => void response.writeHead(404).end('<html>'))
    expect((await doctor(other.url, 't')).wrong).toMatchObject([
      { about: 'gateway', says: expect.stringContaining('is no gateway') },
    ])
    const secure = await doctor(other.url.replace('http:', 'https:'), 't')
    expect(secure.wrong).toMatchObject([{ about: 'gateway', says: expect.stringContaining('check http or https') }])
  })

  it('is that clocks and versions differ, which is doubtful and no failure', async () => {
    await using other = await answering((_, response) => {
      response.sendDate = false
      response.writeHead(503, { date: new Date(Date.now() - 90_000).toUTCString() })
      response.end(JSON.stringify({ name: 'gateway', version: '0.0.1', status: 'starting', checks: {} }))
    })
    const { verdicts } = await doctor(other.url, 't')
    expect(verdicts).toMatchObject({ clock: 'doubtful', version: 'doubtful', readiness: 'wrong' })
  })
})

async function answering(listener: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

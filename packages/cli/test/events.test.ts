import { PassThrough } from 'node:stream'
import { openPostgresLog } from '@artifact-store/log'
import { type RunningSystem, randomHistory, type ServiceUnderTest, startService, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run, Stopped } from '../src/run.ts'

let system: RunningSystem
beforeAll(async () => {
  system = await startSystem()
  await append(5, 300)
})
afterAll(() => system[Symbol.asyncDispose]())

async function append(seed: number, length: number): Promise<void> {
  const [first, ...others] = randomHistory({ seed, length })
  if (!first) return
  const log = openPostgresLog(system.database.poolFor('log_writer'))
  await log.append({ key: crypto.randomUUID(), conditions: [], events: [first, ...others] })
}

async function head(): Promise<number> {
  const { rows } = await system.database.pool.query('select max(sequence)::int as head from log.events')
  return rows[0].head
}

/** A gateway that can come back at its address. */
function startGateway(port = '0'): Promise<ServiceUnderTest> {
  return startService('gateway', {
    env: {
      DATABASE_URL: system.database.urlFor('gateway'),
      LOG_WRITER_URL: system.logWriter.url,
      LOG_WRITER_TOKEN: 'test-log-writer-token',
      BLOBS_URL: `fs://${system.blobs}`,
      BOOTSTRAP_TOKEN: system.token,
      PORT: port,
    },
  })
}

/** Runs `artifact events` and has its lines as they come. */
function events(url: string, args: readonly string[], signal = new AbortController().signal) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  let [out, err] = ['', '']
  stdout.on('data', chunk => {
    out += chunk
  })
  stderr.on('data', chunk => {
    err += chunk
  })
  const exitCode = run(['--url', url, '--token', system.token, 'events', ...args], { stdout, stderr, signal })
  return { exitCode, lines: () => out.split('\n').slice(0, -1), complaints: () => err }
}

function sequences(lines: readonly string[]): number[] {
  return lines.map(line => Number(JSON.parse(line).sequence))
}

function upTo(last: number, after = 0): number[] {
  return Array.from({ length: last - after }, (_, i) => after + i + 1)
}

describe('artifact events', () => {
  it('prints all that there is, one CloudEvent a line, and ends', async () => {
    const printed = events(system.gateway.url, ['--json', '--after', '3'])
    expect(await printed.exitCode).toBe(0)
    expect(sequences(printed.lines())).toEqual(upTo(await head(), 3))
  })

  it('prints what is asked for, by families of types and kinds of subjects', async () => {
    const printed = events(system.gateway.url, [
      '--json',
      '--type',
      'v1.package.*',
      '--type',
      'v1.blob.stored',
      '--subject',
      'package',
    ])
    expect(await printed.exitCode).toBe(0)
    const types = new Set(printed.lines().map(line => JSON.parse(line).type))
    expect(types.size).toBeGreaterThan(3)
    for (const type of types) expect(type).toMatch(/^v1\.package\./)
  })

  it('says what is wrong with a filter that can match nothing', async () => {
    for (const follow of [[], ['--follow']]) {
      const printed = events(system.gateway.url, ['--type', 'package.created', ...follow])
      expect(await printed.exitCode).toBe(1)
      expect(printed.complaints()).toContain('artifact: "package.created" is not a type of event')
    }
  })

  it('follows through restarts of the store, each event once, and says at the end where to go on', async () => {
    let gateway = await startGateway()
    const { url } = gateway
    const stop = new AbortController()
    const printed = events(url, ['--json', '--follow'], stop.signal)
    await expect.poll(() => printed.lines().length, { timeout: 20_000 }).toBe(await head())
    for (const seed of [6, 7]) {
      await gateway.kill()
      await append(seed, 50)
      gateway = await startGateway(new URL(url).port)
      await expect.poll(() => printed.lines().length, { timeout: 20_000 }).toBe(await head())
    }
    stop.abort(new Stopped('SIGINT', 130))
    expect(await printed.exitCode).toBe(130)
    expect(sequences(printed.lines())).toEqual(upTo(await head()))
    expect(printed.complaints()).toContain(`Stopped behind event ${await head()}: --after ${await head()} goes on from there.`)
    await gateway.stop()
  })
})

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '@artifact-store/embedded'
import type { RunningSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { startBusySystem } from './busy-system.ts'
import { allExpressions, observabilityDirectory } from './observability-files.ts'
import { selectorsOf } from './promql.ts'

const run = promisify(execFile)
const files = join(observabilityDirectory, 'prometheus')

describe('promtool', () => {
  it.each([
    ['takes the configuration, and the rules with it', ['check', 'config', 'prometheus.yml']],
    ['finds that alerts fire when they should, and only then', ['test', 'rules', 'rules.test.yml']],
  ])('%s', async (_, args) => {
    const { stdout } = await run('promtool', args, { cwd: files })
    expect(stdout).toContain('SUCCESS')
    expect(stdout).not.toContain('FAILED')
  })
})

describe('Prometheus, beside a running system', () => {
  const opened = new AsyncDisposableStack()
  let system: RunningSystem
  let prometheus: RunningPrometheus
  beforeAll(async () => {
    system = opened.use(await startBusySystem())
    const urls = { gateway: system.gateway.url, 'log-writer': system.logWriter.url, projector: system.projector.url }
    prometheus = opened.use(await startPrometheus(urls))
    await until('Prometheus reaches all three services', async () => (await prometheus.values('sum(up)'))[0] === 3)
  })
  afterAll(() => opened.disposeAsync())

  it('reads every metric that an alert or a panel selects', async () => {
    const known = new Set(Object.keys((await prometheus.ask('metadata')) as object))
    const missing = allExpressions()
      .flatMap(({ where, expression }) => selectorsOf(expression).map(({ metric }) => ({ where, metric })))
      .filter(({ metric }) => metric !== 'up' && metric !== 'ALERTS')
      .filter(({ metric }) => !known.has(metric) && !known.has(metric.replace(/_(bucket|sum|count)$/, '')))
    expect(missing).toEqual([])
  })

  it('evaluates every one of them', async () => {
    for (const { where, expression } of allExpressions()) {
      const query = expression.replaceAll('$__rate_interval', '5m')
      expect(await prometheus.ask('query', { query }), where).toHaveProperty('result')
    }
  })

  it('has no alert while all is well', async () => {
    expect(await prometheus.values('sum(artifact_store_ready)')).toEqual([3])
    // What it missed before its first look at all of them it takes back at the next evaluation.
    await expect.poll(() => prometheus.firing(), patience).toEqual([])
  })

  it('has one when the projector is killed, and others when the log-writer is', async () => {
    await system.projector.kill()
    await expect.poll(() => prometheus.firing(), patience).toContain('ServiceDown projector')
    await system.logWriter.kill()
    await expect.poll(() => prometheus.firing(), patience).toContain('ServiceDown log-writer')
    await expect.poll(() => prometheus.firing(), patience).toContain('NotReady gateway')
    expect(await prometheus.firing()).not.toContain('ServiceDown gateway')
  })
})

const patience = { timeout: 60_000, interval: 250 }

interface RunningPrometheus extends AsyncDisposable {
  /** What the API says at that place. */
  ask(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>
  /** The values of an expression now. */
  values(query: string): Promise<number[]>
  /** Which alerts fire, and of which service. */
  firing(): Promise<string[]>
}

async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patience.timeout
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`within ${patience.timeout / 1000} s it did not happen that ${what}`)
    await delay(patience.interval)
  }
}

/** Starts the real one with our rules. It looks every second, and an alert fires as soon as its condition holds: minutes are promtool's to test. */
async function startPrometheus(targets: Readonly<Record<string, string>>): Promise<RunningPrometheus> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'artifact-store-prometheus-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const rules = await readFile(join(files, 'rules.yml'), 'utf8')
  await writeFile(join(directory, 'rules.yml'), rules.replaceAll(/^ +for: .*\n/gm, ''))
  const jobs = Object.entries(targets).map(([job, url]) => ({
    job_name: job,
    static_configs: [{ targets: [new URL(url).host] }],
  }))
  const config = { global: { scrape_interval: '1s', evaluation_interval: '1s' }, rule_files: ['rules.yml'], scrape_configs: jobs }
  await writeFile(join(directory, 'prometheus.yml'), stringify(config))
  const port = await freePort('127.0.0.1')
  const child = spawn(
    'prometheus',
    [
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
  const exited = once(child, 'exit')
  stack.defer(async () => {
    child.kill('SIGTERM')
    await exited
  })

  async function ask(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const answer = (await response.json()) as { status: string; data?: unknown; error?: string }
    if (answer.status !== 'success') throw new Error(`Prometheus refused ${path}: ${answer.error}`)
    return answer.data
  }
  const isUp = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`Prometheus ended:\n${said.join('')}`)
    return fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  }
  await until('Prometheus is ready', isUp)
  const started = stack.move()
  return {
    ask,
    async values(query) {
      const { result } = (await ask('query', { query })) as { result: { value: [number, string] }[] }
      return result.map(({ value: [, value] }) => Number(value))
    },
    async firing() {
      const { alerts } = (await ask('alerts')) as { alerts: { state: string; labels: Record<string, string> }[] }
      const firing = alerts.filter(({ state }) => state === 'firing')
      return [...new Set(firing.map(({ labels }) => `${labels['alertname']} ${labels['job'] ?? ''}`.trim()))]
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

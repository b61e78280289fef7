import type { RunningSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBusySystem } from './busy-system.ts'
import { allExpressions, type Panel, readAlerts, readDashboard, readText, readYaml } from './observability-files.ts'
import { selectorsOf } from './promql.ts'

describe('alerts and dashboard', () => {
  let system: RunningSystem
  beforeAll(async () => {
    system = await startBusySystem()
  })
  afterAll(() => system[Symbol.asyncDispose]())

  it('select only metrics that the services have, by labels that these have', async () => {
    const exposed = await metricsOf([system.gateway.url, system.logWriter.url, system.projector.url])
    const unknown = allExpressions().flatMap(({ where, expression }) =>
      selectorsOf(expression)
        .filter(({ metric }) => !ofPrometheus.has(metric))
        .flatMap(({ metric, labels }) => {
          const known = exposed.get(metric)
          if (!known) return [`${where}: there is no ${metric}`]
          // What has not happened yet has told no labels.
          const wrong = known.size === 0 ? [] : labels.filter(label => !known.has(label) && !ofTarget.has(label))
          return wrong.map(label => `${where}: ${metric} has no label ${label}`)
        }),
    )
    expect(unknown).toEqual([])
  })

  it('look at every service, where docker compose has it', () => {
    const { scrape_configs: jobs } = readYaml<{
      scrape_configs: { job_name: string; dns_sd_configs?: { names: string[]; port: number }[] }[]
    }>('infra/observability/prometheus/prometheus.yml')
    type Composed = { services: Record<string, { environment?: Record<string, string> }> }
    const { services } = readYaml<Composed>('docker-compose.yml')
    const names = Object.keys({ ...services, ...readYaml<Composed>('infra/compose/scale.yml').services })
    for (const service of ['gateway', 'log-writer', 'projector']) {
      const found = jobs.find(job => job.job_name === service)?.dns_sd_configs?.[0]
      expect(found?.names).toEqual(names.filter(name => name.startsWith(service)))
      expect(found?.port).toBe(Number(services[service]?.environment?.['PORT']))
    }
  })
})

describe('an alert', () => {
  it.each(readAlerts().map(alert => [alert.alert, alert] as const))('%s says how bad it is, and what to do', (name, alert) => {
    expect(['critical', 'warning']).toContain(alert.labels['severity'])
    expect(alert.annotations['summary']).toMatch(/^[A-Z].*[^.]$/)
    expect(alert.annotations['runbook']).toBe(`docs/ALERTS.md#${name.toLowerCase()}`)
    expect(headings()).toContain(name)
  })

  it('is fired by a test, and its page is there for nothing else', () => {
    const { tests } = readYaml<{ tests: { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[] }>(
      'infra/observability/prometheus/rules.test.yml',
    )
    const fired = tests.flatMap(test => test.alert_rule_test.filter(rule => rule.exp_alerts).map(rule => rule.alertname))
    const names = readAlerts().map(({ alert }) => alert)
    expect([...new Set(fired)].toSorted(byName)).toEqual(names.toSorted(byName))
    expect(headings().toSorted(byName)).toEqual(names.toSorted(byName))
  })
})

describe('the dashboard', () => {
  const { panels, uid, schemaVersion } = readDashboard()

  it('has panels of kinds that come with Grafana, each with an id and a place of its own', () => {
    expect(uid).toBe('artifact-store')
    expect(schemaVersion).toBeGreaterThanOrEqual(39)
    expect(new Set(panels.map(panel => panel.id)).size).toBe(panels.length)
    for (const panel of panels) expect(['row', 'stat', 'gauge', 'table', 'timeseries']).toContain(panel.type)
    for (const { x, w } of panels.map(panel => panel.gridPos)) expect(x + w).toBeLessThanOrEqual(24)
    for (const [i, one] of panels.entries())
      for (const other of panels.slice(i + 1)) expect(overlap(one, other), `${one.title} and ${other.title}`).toBe(false)
  })

  it('asks four questions first', () => {
    const rows = panels.filter(panel => panel.type === 'row').map(panel => panel.title)
    expect(rows.slice(0, 4)).toEqual(['Is it healthy?', 'How far behind is it?', 'How full is it?', 'Who is failing?'])
  })

  it('asks the data source that is provisioned, and says what each panel means', () => {
    const { datasources } = readYaml<{ datasources: { uid: string; type: string; url: string }[] }>(
      'infra/observability/grafana/provisioning/datasources/prometheus.yml',
    )
    const [source] = datasources
    expect(source?.url).toBe('http://prometheus:9090')
    for (const panel of panels.filter(({ type }) => type !== 'row')) {
      expect(panel.description, panel.title).toMatch(/\.$/)
      const targets = panel.targets ?? []
      expect(targets, panel.title).not.toHaveLength(0)
      expect(new Set(targets.map(target => target.refId)).size).toBe(targets.length)
      for (const { datasource } of [panel, ...targets]) expect(datasource).toEqual({ type: source?.type, uid: source?.uid })
    }
  })

  it('is where the files of docker compose and of the provisioning say', () => {
    const { providers } = readYaml<{ providers: { options: { path: string } }[] }>(
      'infra/observability/grafana/provisioning/dashboards/artifact-store.yml',
    )
    const { services } = readYaml<{ services: Record<string, { volumes?: string[]; image?: string }> }>(
      'infra/compose/observability.yml',
    )
    const mount = `./infra/observability/grafana/dashboards:${providers[0]?.options.path}:ro`
    expect(services).toMatchObject({ grafana: { volumes: expect.arrayContaining([mount]) } })
    for (const { image } of Object.values(services)) if (image) expect(image).toMatch(/:v?\d+\.\d+\.\d+\}$/)
  })
})

/** What Prometheus has by itself. */
const ofPrometheus = new Set(['up', 'ALERTS'])
/** What it adds to every series. */
const ofTarget = new Set(['job', 'instance'])

const byName = (a: string, b: string) => (a < b ? -1 : 1)

function headings(): string[] {
  return [...readText('docs/ALERTS.md').matchAll(/^## (\w+)$/gm)].map(([, name = '']) => name)
}

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

/** The series that these services tell of, by their names, each with the labels that it has somewhere. */
async function metricsOf(urls: readonly string[]): Promise<Map<string, Set<string>>> {
  const texts = await Promise.all(urls.map(async url => (await fetch(`${url}/metrics`)).text()))
  const metrics = new Map<string, Set<string>>()
  for (const line of texts.join('\n').split('\n')) {
    const [, name = '', type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    const names = type === 'histogram' ? ['_bucket', '_sum', '_count'].map(suffix => name + suffix) : [name]
    if (type) for (const series of names) if (!metrics.has(series)) metrics.set(series, new Set())
    const [, series = '', labels = ''] = /^(\w+)\{(.*)\} /.exec(line) ?? []
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) metrics.get(series)?.add(label)
  }
  return metrics
}

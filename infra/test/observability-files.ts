import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'

const root = resolve(import.meta.dirname, '..', '..')

export const observabilityDirectory = resolve(root, 'infra', 'observability')

export function readText(path: string): string {
  return readFileSync(resolve(root, path), 'utf8')
}

/** A YAML file, as whoever reads it sees it. */
export function readYaml<T>(path: string): T {
  // Docker compose has tags of its own, such as !reset.
  return parse(readText(path), { merge: true, logLevel: 'error' }) as T
}

export interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export function readAlerts(): Alert[] {
  const path = 'infra/observability/prometheus/rules.yml'
  return readYaml<{ groups: { rules: Alert[] }[] }>(path).groups.flatMap(({ rules }) => rules)
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>
  readonly targets?: readonly {
    readonly refId: string
    readonly expr: string
    readonly datasource: { readonly type: string; readonly uid: string }
  }[]
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
}

export function readDashboard(): Dashboard {
  return JSON.parse(readText('infra/observability/grafana/dashboards/artifact-store.json'))
}

/** Every expression of alerts and panels, with where it stands. */
export function allExpressions(): { readonly where: string; readonly expression: string }[] {
  return [
    ...readAlerts().map(({ alert, expr }) => ({ where: `alert ${alert}`, expression: expr })),
    ...readDashboard().panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ where: `panel ${title}`, expression: expr })),
    ),
  ]
}

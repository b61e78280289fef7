import { parser } from '@prometheus-io/lezer-promql'

/** A metric that an expression selects, and the labels by which it does. */
export interface Selector {
  readonly metric: string
  readonly labels: readonly string[]
}

/** What a PromQL expression selects. @throws Error that shows where it cannot be parsed. */
export function selectorsOf(expression: string): Selector[] {
  // Grafana fills in its own variables before Prometheus sees them.
  const text = expression.replaceAll('$__rate_interval', '5m')
  const found: { metric: string; labels: string[] }[] = []
  parser.parse(text).iterate({
    enter({ type, from, to }) {
      const part = text.slice(from, to)
      if (type.isError) throw new Error(`no PromQL at "${text.slice(from, from + 30)}": ${text}`)
      if (type.name === 'VectorSelector') found.push({ metric: '', labels: [] })
      const last = found.at(-1)
      if (type.name === 'Identifier' && last?.metric === '') last.metric = part
      if (type.name === 'LabelName' && last && isInMatchers(text, from)) last.labels.push(part)
    },
  })
  return found
}

/** Whether the nearest bracket before that place opens matchers, and not what an aggregation groups by. */
function isInMatchers(text: string, place: number): boolean {
  return text.lastIndexOf('{', place) > Math.max(text.lastIndexOf('}', place), text.lastIndexOf('(', place))
}

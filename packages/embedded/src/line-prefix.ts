/** The names that stand before a line; `|` is aligned for the longest of them. */
export type LineSource = 'supervisor' | 'postgres' | 'migrate' | 'nats' | 'log-writer' | 'projector' | 'gateway'

const width = 'supervisor'.length + 1

/** `gateway    | the line`: who said it, then what it said. */
export function prefixLine(source: LineSource, line: string): string {
  return `${source.padEnd(width)}| ${line}`
}

/** A table in GitHub Flavored Markdown with its columns lined up. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [titles, ...rows].map(row => row.map(cell => cell.replaceAll('|', '\\|')))
  const widths = titles.map((_, column) => Math.max(...cells.map(row => row[column]?.length ?? 0)))
  // The last column is not filled up: its longest cell would make every line as long.
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join(' | ')} |`
  const [head = [], ...body] = cells
  const rule = line(widths.map((width, column) => '-'.repeat(column === widths.length - 1 ? 7 : width)))
  return [line(head), rule, ...body.map(line)].join('\n')
}

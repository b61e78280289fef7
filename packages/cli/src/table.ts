import { printable } from './printable.ts'

export interface Column<Row> {
  readonly title: string
  readonly align?: 'left' | 'right'
  readonly cell: (row: Row) => string
}

/** Lines of a table with a heading, columns parted by two spaces, none padded at the end. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = [columns.map(column => column.title), ...rows.map(row => columns.map(column => printable(column.cell(row))))]
  const widths = columns.map((_, i) => Math.max(...cells.map(line => displayWidth(line[i] ?? ''))))
  return cells.map(line => {
    const padded = line.map((text, i) => pad(text, widths[i] ?? 0, columns[i]?.align ?? 'left'))
    return padded.join('  ').trimEnd()
  })
}

/** Lines of `name  value`, the values below each other. */
export function renderFields(fields: readonly (readonly [name: string, value: string | undefined])[]): string[] {
  const shown = fields.filter(([, value]) => value !== undefined)
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${printable(value ?? '')}`.trimEnd())
}

/** How many columns of a terminal a text takes: two for wide characters (Unicode East Asian Width, emoji), none for combining ones. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'right' ? space + text : text + space
}

import { describe, expect, it } from 'vitest'
import { displayWidth, renderFields, renderTable } from '../src/table.ts'

describe('a table', () => {
  const columns = [
    { title: 'NAME', cell: (row: { name: string; size: number }) => row.name },
    { title: 'SIZE', align: 'right' as const, cell: (row: { name: string; size: number }) => String(row.size) },
    { title: 'NOTE', cell: () => '' },
  ]

  it('aligns its columns by their widest cell and pads no line at its end', () => {
    expect(
      renderTable(columns, [
        { name: 'a', size: 1 },
        { name: 'longer', size: 12345 },
      ]),
    ).toEqual(['NAME     SIZE  NOTE', 'a           1', 'longer  12345'])
  })

  it('counts wide characters as two columns and combining ones as none', () => {
    expect(displayWidth('中文')).toBe(4)
    expect(displayWidth('🎉')).toBe(2)
    expect(displayWidth('e\u0301')).toBe(1)
    expect(
      renderTable(columns, [
        { name: '中文', size: 1 },
        { name: 'abcd', size: 2 },
      ]).slice(1),
    ).toEqual(['中文     1', 'abcd     2'])
  })

  it('lets nothing that others wrote steer the terminal', () => {
    expect(renderTable(columns, [{ name: '\u001b[2Jgone\u202e', size: 1 }]).join('\n')).toContain('\\u001b[2Jgone\\u202e')
  })
})

it('fields stand below each other, those without a value left out', () => {
  expect(
    renderFields([
      ['id', '1'],
      ['version', undefined],
      ['', 'more'],
    ]),
  ).toEqual(['id  1', '    more'])
})

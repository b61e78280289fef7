import { describe, expect, it } from 'vitest'
import { fillIn } from '../scripts/documents/generated-parts.ts'
import { markdownTable } from '../scripts/documents/markdown-table.ts'

describe('what a document says about the code', () => {
  const marker = (name: string) => `<!-- settings of ${name}: made -->\nold\n<!-- end -->`

  it('is put between its markers, and stays there when it is made again', () => {
    const once = fillIn(`before\n${marker('a')}\nbetween\n${marker('b c')}\nafter`, { a: 'A', 'b c': 'B' })
    expect(once).toBe(
      'before\n<!-- settings of a: made -->\n\nA\n\n<!-- end -->\nbetween\n<!-- settings of b c: made -->\n\nB\n\n<!-- end -->\nafter',
    )
    expect(fillIn(once, { a: 'A', 'b c': 'B' })).toBe(once)
  })

  it('has to have its place, exactly once', () => {
    expect(() => fillIn(marker('a'), { a: 'A', b: 'B' })).toThrow('no marker asks for the settings of b')
    expect(() => fillIn(marker('a') + marker('a'), { a: 'A' })).toThrow('stands twice')
    expect(() => fillIn(marker('a') + marker('b'), { a: 'A' })).toThrow('there are no such settings')
  })

  it('keeps its columns when a cell has a bar in it', () => {
    expect(markdownTable(['name', 'what'], [['a|b', 'x']])).toBe('| name | what |\n| ---- | ------- |\n| a\\|b | x |')
  })
})

import { readdir, readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { problems, problemType } from '../src/index.ts'

const directory = new URL('../../../docs/problems/', import.meta.url)
const rows = Object.entries(problems)

it('has one page for each kind of problem and none for another', async () => {
  const pages = (await readdir(directory)).filter(name => name !== 'README.md')
  expect(pages.toSorted()).toEqual(rows.map(([kind]) => `${kind}.md`).toSorted())
})

it.each(rows)('shows %s as it is answered', async (kind, { status, title }) => {
  const page = await readFile(new URL(`${kind}.md`, directory), 'utf8')
  expect(page.startsWith(`# ${title}\n`)).toBe(true)
  const example: unknown = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
  expect(example).toMatchObject({
    type: problemType(kind as keyof typeof problems),
    title,
    status,
    kind,
    detail: expect.any(String),
  })
  expect(page).toContain('\n## What to do\n')
})

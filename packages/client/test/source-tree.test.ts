import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { walkSourceTree } from '../src/push/source-tree.ts'
import { surveySourceTree } from '../src/push/survey.ts'

async function withTree(make: (root: string) => Promise<void>, check: (root: string) => Promise<void>): Promise<void> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'source-tree-'))
  const root = join(directory.path, 'tree')
  await mkdir(root)
  await make(root)
  await check(root)
}

const byUnit = (a: string, b: string) => (a < b ? -1 : 1)

async function look(root: string): Promise<{ paths: string[]; refused: string[]; empty: string[] }> {
  const seen = { paths: [] as string[], refused: [] as string[], empty: [] as string[] }
  for await (const found of walkSourceTree(root)) {
    if ('refused' in found) seen.refused.push(found.refused)
    else if ('emptyDirectory' in found) seen.empty.push(found.emptyDirectory)
    else seen.paths.push(found.path)
  }
  return { paths: seen.paths.toSorted(byUnit), refused: seen.refused.toSorted(byUnit), empty: seen.empty }
}

describe('walking a directory', () => {
  it('finds every file by its path, hidden ones and odd names too, and names empty directories', async () => {
    await withTree(
      async root => {
        await mkdir(join(root, 'a/b'), { recursive: true })
        await mkdir(join(root, 'nothing'))
        for (const name of ['.hidden', 'a/b/c.txt', '100%', 'ends in space ', '🎉']) await writeFile(join(root, name), name)
      },
      async root => {
        expect(await look(root)).toEqual({
          paths: ['.hidden', '100%', 'a/b/c.txt', 'ends in space ', '🎉'].toSorted(byUnit),
          refused: [],
          empty: ['nothing'],
        })
      },
    )
  })

  it('follows links to files within the directory and refuses all others, each with its reason', async () => {
    await withTree(
      async root => {
        await mkdir(join(root, 'dir'))
        await writeFile(join(root, 'dir/file'), 'x')
        await writeFile(`${root}-outside`, 'secret')
        await symlink('dir/file', join(root, 'inside'))
        await symlink(`${root}-outside`, join(root, 'outside'))
        await symlink('dir', join(root, 'to-directory'))
        await symlink('nowhere', join(root, 'dangling'))
        await symlink('loop', join(root, 'loop'))
      },
      async root => {
        const { paths, refused } = await look(root)
        expect(paths).toEqual(['dir/file', 'inside'])
        expect(refused).toEqual([
          expect.stringMatching(/^"dangling" cannot be stored: it is a symbolic link to nothing/),
          expect.stringMatching(/^"loop" cannot be stored: it is a symbolic link that leads back to itself/),
          expect.stringMatching(/^"outside" cannot be stored: it is a symbolic link out of the directory/),
          expect.stringMatching(/^"to-directory" cannot be stored: it is a symbolic link to a directory/),
        ])
      },
    )
  })

  it('refuses names that are not UTF-8, control characters, sockets, and names that normalising makes equal', async () => {
    await withTree(
      async root => {
        await writeFile(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff])]), 'x')
        await writeFile(join(root, 'new\nline'), 'x')
        await writeFile(join(root, 'caf\u00e9'), '1')
        await writeFile(join(root, 'cafe\u0301'), '2')
        await writeFile(join(root, 'a\u030angstro\u0308m'), 'alone')
      },
      async root => {
        await using socket = createServer()
        await new Promise<void>(resolve => socket.listen(join(root, 'socket'), resolve))
        const { paths, refused } = await look(root)
        expect(paths).toEqual(['caf\u00e9', '\u00e5ngstr\u00f6m'])
        expect(refused).toEqual([
          expect.stringContaining('"bad\\xff" cannot be stored: its name is not valid UTF-8'),
          expect.stringContaining('"cafe\u0301" cannot be stored: there is another file whose name is the same'),
          expect.stringContaining('"socket" cannot be stored: it is a socket'),
          expect.stringContaining('holds a control character'),
        ])
      },
    )
  })
})

describe('the survey before a push', () => {
  it('counts files and bytes', async () => {
    await withTree(
      async root => {
        await writeFile(join(root, 'a'), '12345')
        await writeFile(join(root, 'b'), '')
        await mkdir(join(root, 'empty'))
      },
      async root => expect(await surveySourceTree(root)).toEqual({ files: 2, bytes: 5, emptyDirectories: 1 }),
    )
  })

  it('names all that cannot be stored in one refusal', async () => {
    await withTree(
      async root => {
        for (let i = 0; i < 25; i++) await symlink('nowhere', join(root, `link-${i}`))
        await writeFile(join(root, 'fine'), 'x')
      },
      async root => {
        const refused = await surveySourceTree(root).catch((error: unknown) => error)
        expect(refused).toMatchObject({ kind: 'invalid-path', details: { refusals: 25 } })
        expect(String(refused)).toContain('25 files cannot be stored, so nothing was pushed')
        expect(String(refused)).toContain('… and 5 more')
      },
    )
  })

  it('refuses what is not a directory, is not there, or holds no file', async () => {
    await withTree(
      async root => writeFile(`${root}-file`, 'x'),
      async root => {
        await expect(surveySourceTree(root)).rejects.toMatchObject({
          kind: 'invalid-request',
          message: expect.stringContaining('no files'),
        })
        await expect(surveySourceTree(`${root}-file`)).rejects.toMatchObject({ kind: 'invalid-request' })
        await expect(surveySourceTree(`${root}-missing`)).rejects.toMatchObject({ kind: 'invalid-request' })
      },
    )
  })
})

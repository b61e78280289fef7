import { describe, expect, it } from 'vitest'
import { type AddResult, decideAddFiles, type FileEntry, type FoundPaths, pathsToLookUp } from '../src/index.ts'
import { deleted, discarded, fileEntry, finalized, open } from './sample-package.ts'

/** What a package with these files would find for the additions. */
function found(present: readonly FileEntry[], additions: readonly FileEntry[]): FoundPaths {
  const asked = new Set(pathsToLookUp(additions))
  return {
    files: new Map(present.filter(file => asked.has(file.path)).map(file => [file.path, file])),
    directories: new Set(additions.map(file => file.path).filter(path => present.some(file => file.path.startsWith(`${path}/`)))),
  }
}

function decide(present: readonly FileEntry[], additions: readonly FileEntry[]) {
  const { add, results } = decideAddFiles(open, additions, found(present, additions))
  return { add: add.map(file => file.path), results: results.map(said) }
}

function said(result: AddResult): string {
  return result.outcome === 'refused' ? result.error.kind : result.outcome
}

describe('adding files', () => {
  it('adds what is new and leaves what is there with the same bytes', () => {
    const present = [fileEntry('a', 'one')]
    expect(decide(present, [fileEntry('a', 'one', 'text/html'), fileEntry('b')])).toEqual({
      add: ['b'],
      results: ['unchanged', 'added'],
    })
    const [unchanged] = decideAddFiles(open, [fileEntry('a', 'one', 'text/html')], found(present, present)).results
    expect(unchanged?.file.mediaType).toBe('text/plain')
  })

  it('refuses other bytes at a path, and lets the neighbours through', () => {
    expect(decide([fileEntry('a', 'one')], [fileEntry('a', 'two'), fileEntry('b')])).toEqual({
      add: ['b'],
      results: ['path-taken', 'added'],
    })
  })

  it('refuses a path below a file, and a path that is a directory', () => {
    const present = [fileEntry('a'), fileEntry('d/e/f')]
    expect(
      decide(present, [
        fileEntry('a/b'),
        fileEntry('a/b/c'),
        fileEntry('d'),
        fileEntry('d/e'),
        fileEntry('d/e/g'),
        fileEntry('d/ee'),
      ]),
    ).toEqual({
      add: ['d/e/g', 'd/ee'],
      results: ['path-conflict', 'path-conflict', 'path-conflict', 'path-conflict', 'added', 'added'],
    })
  })

  it('lets the first of two additions win', () => {
    expect(decide([], [fileEntry('a', 'one'), fileEntry('a', 'one'), fileEntry('a', 'two'), fileEntry('a/b')])).toEqual({
      add: ['a'],
      results: ['added', 'unchanged', 'path-taken', 'path-conflict'],
    })
    expect(decide([], [fileEntry('x/y/z'), fileEntry('x'), fileEntry('x/y'), fileEntry('x/y/w')])).toEqual({
      add: ['x/y/z', 'x/y/w'],
      results: ['added', 'path-conflict', 'path-conflict', 'added'],
    })
  })

  it('does not let a refused addition stand in the way of a later one', () => {
    expect(decide([fileEntry('a')], [fileEntry('a/b'), fileEntry('a/b/c')]).add).toEqual([])
    expect(decide([fileEntry('p/q')], [fileEntry('p'), fileEntry('p/r')])).toEqual({
      add: ['p/r'],
      results: ['path-conflict', 'added'],
    })
  })

  it('takes two spellings of one name for one path', () => {
    expect(
      decide([fileEntry('caf\u00e9', 'one')], [fileEntry('cafe\u0301', 'one'), fileEntry('cafe\u0301', 'two')]).results,
    ).toEqual(['unchanged', 'path-taken'])
  })

  it.each([finalized, discarded, deleted])('is refused file by file when the package is $state', head => {
    const { add, results } = decideAddFiles(head, [fileEntry('a'), fileEntry('b')], { files: new Map(), directories: new Set() })
    expect(add).toEqual([])
    expect(results.map(said)).toEqual(['package-sealed', 'package-sealed'])
  })

  it('looks up each path and each directory above it once', () => {
    expect(pathsToLookUp([fileEntry('a/b/c'), fileEntry('a/b/d'), fileEntry('a')])).toEqual(['a/b/c', 'a', 'a/b', 'a/b/d'])
  })

  it('says in its sentence what stands in the way', () => {
    const additions = [fileEntry('a/b')]
    const [result] = decideAddFiles(open, additions, found([fileEntry('a')], additions)).results
    expect(result?.outcome === 'refused' && result.error.message).toBe(
      `"a/b" cannot be a file in package ${open.id}: "a" is a file there; choose another path`,
    )
  })
})

import { comparePathBytes, type FileEntry, newPackageId, type PackageId, parseArtifactPath } from '@artifact-store/core'
import {
  eachFile,
  findBlob,
  findBlobs,
  findDirectories,
  findFiles,
  findFilesAt,
  findPackage,
  listFiles,
  listPackages,
  type PackageFilter,
} from '@artifact-store/views'
import { describe, expect, it } from 'vitest'
import { added, created, digestOf, event, file, finalized, stored } from './events.ts'
import { useTestViews } from './test-views.ts'

const views = await useTestViews()
const paths = (...texts: string[]) => texts.map(parseArtifactPath)

describe('listPackages', () => {
  const list = async (filter: PackageFilter, page: { before?: number; limit?: number } = {}) =>
    (await listPackages(views.db, filter, { limit: 100, ...page })).map(row => row.createdSequence)

  it('answers newest first, a page at a time', async () => {
    await views.show(...Array.from({ length: 7 }, () => created(newPackageId())))
    expect(await list({})).toEqual([7, 6, 5, 4, 3, 2, 1])
    expect(await list({}, { limit: 3 })).toEqual([7, 6, 5])
    expect(await list({}, { limit: 3, before: 5 })).toEqual([4, 3, 2])
    expect(await list({}, { limit: 3, before: 2 })).toEqual([1])
    expect(await list({}, { limit: 3, before: 1 })).toEqual([])
  })

  it('orders by creation, whatever happened to a package later', async () => {
    const [first, second] = [newPackageId(), newPackageId()]
    await views.show(created(first), created(second), added(first, file('a')), finalized(first, [file('a')]))
    expect(await list({})).toEqual([2, 1])
  })

  it('narrows by name, kind and state, and by all of them together', async () => {
    const [a, b, c, d] = [newPackageId(), newPackageId(), newPackageId(), newPackageId()]
    await views.show(
      created(a, { name: 'ci/nightly', kind: 'evidence' }),
      created(b, { name: 'ci/nightly', kind: 'sbom' }),
      created(c, { name: 'ci/nightly/x', kind: 'evidence' }),
      created(d, { name: 'ci/nightly', kind: 'evidence' }),
      event('v1.package.discarded', d, {}),
    )
    expect(await list({ name: 'ci/nightly' })).toEqual([4, 2, 1])
    expect(await list({ name: 'ci/' })).toEqual([])
    expect(await list({ kind: 'evidence' })).toEqual([4, 3, 1])
    expect(await list({ state: 'discarded' })).toEqual([4])
    expect(await list({ state: 'deleted' })).toEqual([])
    expect(await list({ name: 'ci/nightly', kind: 'evidence', state: 'open' })).toEqual([1])
    expect(await list({ name: 'ci/nightly' }, { before: 4, limit: 1 })).toEqual([2])
  })

  it('narrows by labels: all of those asked for, with their values', async () => {
    await views.show(
      created(newPackageId(), { labels: { branch: 'main', os: 'linux' } }),
      created(newPackageId(), { labels: { branch: 'main' } }),
      created(newPackageId(), { labels: { branch: 'main2', os: '' } }),
      created(newPackageId(), { labels: { quote: `it's "q" \\ {}` } }),
    )
    expect(await list({ labels: { branch: 'main' } })).toEqual([2, 1])
    expect(await list({ labels: { branch: 'main', os: 'linux' } })).toEqual([1])
    expect(await list({ labels: { os: '' } })).toEqual([3])
    expect(await list({ labels: { quote: `it's "q" \\ {}` } })).toEqual([4])
    expect(await list({ labels: { branch: 'main', os: 'windows' } })).toEqual([])
    expect(await list({ labels: {} })).toEqual([4, 3, 2, 1])
  })

  it('follows labels that change', async () => {
    const id = newPackageId()
    await views.show(
      created(id, { labels: { branch: 'main' } }),
      event('v1.package.labelled', id, { set: { branch: 'next' }, remove: [] }),
    )
    expect(await list({ labels: { branch: 'main' } })).toEqual([])
    expect(await list({ labels: { branch: 'next' } })).toEqual([1])
  })
})

describe('findPackage', () => {
  it('answers undefined for one that is not there', async () => {
    expect(await findPackage(views.db, newPackageId())).toBeUndefined()
  })
})

describe('listFiles', () => {
  // UTF-16 would put the last two before "\uffee", many locales "B" behind "a" and "ä" beside it.
  const odd = [
    'a',
    'B',
    'a.b',
    'a/b',
    'a0',
    'a-b',
    'ä',
    'z',
    'Z',
    'é/x',
    'e\u0301\u0323',
    ' ',
    '~',
    '\u{1f600}',
    '\u{10ffff}',
    '\ue000',
    '\uffee',
    'ß',
    'ss',
    "'",
    '"',
    '%',
    '_',
    '\u00a0',
    '中/文',
  ].map(text => `d/${text}`)

  it('orders by the bytes of UTF-8, as the manifest does', async () => {
    const id = newPackageId()
    await views.show(created(id), added(id, ...odd.map(path => file(path))))
    const listed = (await listFiles(views.db, id, { limit: 1000 })).map(({ path }) => path)
    expect(listed).toEqual(paths(...odd).sort(comparePathBytes))
    expect(listed).toEqual([...listed].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
  })

  it.each([1, 2, 7, 1000])('gives each file once, in pages of %i', async limit => {
    const [id, other] = [newPackageId(), newPackageId()]
    await views.show(created(id), created(other), added(id, ...odd.map(path => file(path))), added(other, file('d/a', 'another')))
    const all = await listFiles(views.db, id, { limit: 1000 })
    expect(all).toHaveLength(odd.length)
    expect(await allFiles(id, limit)).toEqual(all)
  })

  it('begins behind any text, be it a path of the package or not', async () => {
    const id = newPackageId()
    await views.show(created(id), added(id, file('a'), file('c')))
    const behind = async (text: string) => (await listFiles(views.db, id, { after: text, limit: 10 })).map(({ path }) => path)
    expect(await behind('')).toEqual(['a', 'c'])
    expect(await behind('a')).toEqual(['c'])
    expect(await behind('b')).toEqual(['c'])
    expect(await behind('c')).toEqual([])
  })

  it('of a package without files is empty', async () => {
    expect(await listFiles(views.db, newPackageId(), { limit: 10 })).toEqual([])
    expect(await allFiles(newPackageId())).toEqual([])
  })
})

describe('findFilesAt and findFiles', () => {
  it('find what is there under exactly that path', async () => {
    const id = newPackageId()
    const files = [file('a'), file('a/b'), file("it's {odd}"), file('ä')]
    await views.show(created(id), added(id, ...files))
    const [a, , odd] = files
    const at = (path: string, of = id) => ({ id: of, path: parseArtifactPath(path) })
    const asked = [at("it's {odd}"), at('A'), at('a', newPackageId()), at("it's {odd}"), at('ä'), at('a')]
    expect(await findFilesAt(views.db, asked)).toEqual([
      { state: 'open', file: odd },
      { state: 'open', file: undefined },
      undefined,
      { state: 'open', file: odd },
      { state: 'open', file: files[3] },
      { state: 'open', file: a },
    ])
    expect(await findFilesAt(views.db, [])).toEqual([])
    const found = await findFiles(views.db, id, paths('a', "it's {odd}", 'nothing', 'a'))
    expect(new Set(found)).toEqual(new Set([a, odd]))
    expect(await findFiles(views.db, id, [])).toEqual([])
  })

  it('find more paths at once than a statement has parameters', async () => {
    const id = newPackageId()
    await views.show(created(id), added(id, file('7')))
    expect(await findFiles(views.db, id, paths(...Array.from({ length: 70_000 }, (_, i) => String(i))))).toEqual([file('7')])
  })
})

describe('findDirectories', () => {
  const directories = async (files: string[], asked: string[]) => {
    const id = newPackageId()
    await views.show(created(id), added(id, ...files.map(path => file(path))))
    return new Set<string>(await findDirectories(views.db, id, paths(...asked)))
  }

  it.each([
    ['a file is none', ['a'], []],
    ['what lies above a file is', ['a/b'], ['a']],
    ['a longer name beside it does not make one', ['a.b', 'a0', 'a-b', 'a b', 'ab', 'a0/x', 'a./x'], []],
    ['names that sort close before and behind what is in it', ['a.b', 'a/b', 'a0'], ['a']],
    ['another case is another name', ['A/b'], []],
    ['however deep the file is', ['a/b/c/d'], ['a', 'a/b']],
    ['the last names that there can be', ['a/\u{10ffff}'], ['a']],
    ['odd names', ["it's/x", '{a,b}/x', '%/x', '\u{1f600}/x'], ["it's", '%', '{a,b}', '\u{1f600}']],
  ])('%s', async (_, files, expected) => {
    expect(await directories(files, ['a', 'a/b', 'b', "it's", '%', '_', '{a,b}', '\u{1f600}'])).toEqual(new Set(expected))
  })

  it('sees only this package, and finds nothing where nothing is asked', async () => {
    const [id, other] = [newPackageId(), newPackageId()]
    await views.show(created(id), created(other), added(other, file('a/b')))
    expect(await findDirectories(views.db, id, paths('a'))).toEqual([])
    expect(await findDirectories(views.db, other, [])).toEqual([])
    expect(await findDirectories(views.db, other, paths('a', 'a'))).toEqual(['a', 'a'])
  })
})

describe('findBlobs', () => {
  it('finds by either digest, and a blob that is asked for by both once', async () => {
    await views.show(stored('x'), stored('y'), stored('z'))
    const [x, y] = [await findBlob(views.db, digestOf('x')), await findBlob(views.db, digestOf('y'))]
    if (!x || !y) throw new Error('they were stored')
    expect(await findBlob(views.db, x.sha256)).toEqual(x)
    expect(new Set(await findBlobs(views.db, [x.digest, y.sha256, x.sha256, digestOf('unknown')]))).toEqual(new Set([x, y]))
    expect(await findBlobs(views.db, [])).toEqual([])
    expect(await findBlob(views.db, digestOf('unknown'))).toBeUndefined()
  })

  it('finds blobs in every state, and says which', async () => {
    await views.show(stored('x'), event('v1.blob.trashed', digestOf('x'), { asOf: 1, keptUntil: '2030-01-01T00:00:00.000Z' }))
    expect(await findBlobs(views.db, [digestOf('x')])).toMatchObject([{ state: 'trashed' }])
  })
})

async function allFiles(id: PackageId, pageSize?: number): Promise<FileEntry[]> {
  const files: FileEntry[] = []
  for await (const entry of eachFile(views.db, id, pageSize)) files.push(entry)
  return files
}

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * The floors of ARCHITECTURE.md: a package imports from the floors below its own and never from its own. Both what it declares and what
 * its sources import is looked at; tests may use anything.
 */
type Floor = 0 | 1 | 2 | 3 | 'tests'

interface Package {
  readonly name: string
  readonly directory: string
  readonly floor: Floor
  readonly dependencies: readonly string[]
}

const root = join(import.meta.dirname, '..')
const packages = ['packages', 'services', '.'].flatMap(findPackages)
const floorOf = new Map(packages.map(({ name, floor }) => [name, floor]))

describe('the floors', () => {
  it('has every package on a floor', () => {
    expect(packages.length).toBeGreaterThanOrEqual(14)
    for (const { name, floor } of packages) expect([0, 1, 2, 3, 'tests'], name).toContain(floor)
  })

  it.each(packages)('$name depends only on floors below its own', ({ floor, dependencies }) => {
    expect(dependencies.filter(dependency => !mayUse(floor, dependency))).toEqual([])
  })

  it.each(packages)('$name imports in its sources only what it depends on', ({ name, directory, dependencies }) => {
    const imported = [...sources(join(directory, 'src'))].flatMap(file =>
      [...readFileSync(file, 'utf8').matchAll(/from '(@artifact-store\/[\w-]+)/g)].map(match => match[1] ?? ''),
    )
    expect([...new Set(imported)].filter(other => other !== name && !dependencies.includes(other))).toEqual([])
  })
})

function mayUse(floor: Floor, dependency: string): boolean {
  const below = floorOf.get(dependency)
  if (floor === 'tests') return true
  // The launcher and the services are one floor and never meet, except that testkit and e2e, which are tests, start them.
  return typeof below === 'number' && below < floor
}

function findPackages(parent: string): Package[] {
  return readdirSync(join(root, parent), { withFileTypes: true }).flatMap(entry => {
    const directory = join(root, parent, entry.name)
    if (!entry.isDirectory() || !readdirSync(directory).includes('package.json')) return []
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
      name: string
      artifactStore: { floor: Floor }
      dependencies?: Record<string, string>
    }
    const dependencies = Object.keys(manifest.dependencies ?? {}).filter(name => name.startsWith('@artifact-store/'))
    return [{ name: manifest.name, directory, floor: manifest.artifactStore.floor, dependencies }]
  })
}

function* sources(directory: string): Generator<string> {
  // What only tests use, such as infra, need not have any.
  if (!existsSync(directory)) return
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && entry.name.endsWith('.ts')) yield join(entry.parentPath, entry.name)
  }
}

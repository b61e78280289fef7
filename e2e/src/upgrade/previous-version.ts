import { mkdir, readdir, readFile, realpath, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { x as extract } from 'tar'
import { z } from 'zod'
import { repository } from '../repository.ts'

const stored = join(repository, 'e2e', 'previous-version.tar.gz')
const packageFile = z.looseObject({ name: z.string(), dependencies: z.record(z.string(), z.string()).optional() })

/** Unpacks the version that was released before this one (`npm run store-version`) where it can be run, on the dependencies that this one has. */
export async function unpackPreviousVersion(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  await extract({ file: stored, cwd: directory })
  const places = await packagesBelow(directory)
  const external = await externalDependencies()
  for (const [, place] of places) {
    const { dependencies = {} } = await readPackage(place)
    for (const name of Object.keys(dependencies)) {
      const target = places.get(name) ?? external.get(name)
      if (!target) throw new Error(`the previous version needs ${name}, which is not installed any more`)
      const link = join(place, 'node_modules', name)
      await mkdir(join(link, '..'), { recursive: true })
      await symlink(target, link)
    }
  }
}

/** The migrations of a checkout, by the names of their files. */
export async function migrationsOf(root: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(join(root, 'packages'))) {
    const files = await readdir(join(root, 'packages', name, 'migrations')).catch(() => [])
    found.push(...files.filter(file => file.endsWith('.sql')).map(file => `${name}/${file}`))
  }
  return found
}

async function packagesBelow(root: string): Promise<Map<string, string>> {
  const places = new Map<string, string>()
  for (const floor of ['packages', 'services']) {
    for (const name of await readdir(join(root, floor))) {
      const place = join(root, floor, name)
      places.set((await readPackage(place)).name, place)
    }
  }
  return places
}

/** Where this version's own packages have what they stand on. */
async function externalDependencies(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const [, place] of await packagesBelow(repository)) {
    const { dependencies = {} } = await readPackage(place)
    for (const name of Object.keys(dependencies))
      if (!name.startsWith('@artifact-store/')) found.set(name, await realpath(join(place, 'node_modules', name)))
  }
  return found
}

async function readPackage(place: string): Promise<z.output<typeof packageFile>> {
  return packageFile.parse(JSON.parse(await readFile(join(place, 'package.json'), 'utf8')))
}

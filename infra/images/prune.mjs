// prune.mjs PART DIRECTORY: copies what PART, a directory of the installed workspace such as services/gateway, runs on to DIRECTORY, at the same places.
// Links between packages stay links, so that the sources of the workspace lie outside of node_modules, below which Node does not strip types.
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

const root = process.cwd()
const [, , part, to] = process.argv

const wanted = new Set([resolve(part)])
// A set that grows while it is walked over.
for (const place of wanted) for (const needed of linkedFrom(join(place, 'node_modules'))) wanted.add(needed)
for (const place of wanted) copy(relative(root, place))
copy('package.json')
symlinkSync(join(part, 'src'), join(to, 'entry'))

/** The places that own what the links of a node_modules lead to: a package of the workspace, or a package's own directory in the store. */
function* linkedFrom(modules) {
  for (const entry of existsSync(modules) ? readdirSync(modules, { withFileTypes: true }) : []) {
    const path = join(modules, entry.name)
    if (entry.name.startsWith('@')) yield* linkedFrom(path)
    else if (entry.isSymbolicLink()) yield ownerOf(realpathSync(path))
  }
}

function ownerOf(path) {
  const inStore = path.indexOf(`${sep}node_modules${sep}`, join(root, 'node_modules', '.pnpm').length)
  return inStore === -1 ? path : path.slice(0, inStore)
}

function copy(path) {
  const target = join(to, path)
  mkdirSync(dirname(target), { recursive: true })
  cpSync(join(root, path), target, { recursive: true, verbatimSymlinks: true, filter: isNeeded })
}

/** What only compilers and people read stays behind. */
function isNeeded(path) {
  return !/\.d\.[cm]?ts$|\.map$|\.md$|\/tsconfig\.json$|\/test$/.test(relative(root, path))
}

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

/**
 * `npm run store-version -- COMMIT` stores what a version runs of, for the test that upgrades from it: the sources, the migrations and the
 * dependencies' names of every service and of what it stands on. Part of a release: what is released is what the next version upgrades from.
 */
const target = new URL('../e2e/previous-version.tar.gz', import.meta.url)
const [commit, ...more] = process.argv.slice(2)
if (commit === undefined || more.length > 0) {
  process.stderr.write('usage: npm run store-version -- COMMIT\n')
  process.exitCode = 2
} else {
  const git = (...args: string[]) => execFileSync('git', args, { maxBuffer: 256 * 1024 * 1024 })
  const paths = git('ls-tree', '-r', '--name-only', commit, 'packages', 'services').toString().split('\n').filter(runs)
  writeFileSync(target, gzipSync(git('archive', '--format=tar', commit, ...paths), { level: 9 }))
}

/** Tests do not run, nor do the packages that no service stands on. */
function runs(path: string): boolean {
  return (
    /^(packages|services)\/[^/]+\/((src|migrations)\/|package\.json$)/.test(path) &&
    !/^packages\/(cli|client|embedded|testkit)\//.test(path)
  )
}

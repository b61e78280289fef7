import { execFile } from 'node:child_process'
import { cp, mkdir, open, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { plainEnvironment } from './environment.ts'
import { generatedBytes } from './generated-bytes.ts'
import { repository } from './repository.ts'

const run = promisify(execFile)

/** Lays out what a CI job of this very project would push: reports, coverage, an SBOM, a log and one large file. */
export async function layOutRealOutputs(
  directory: string,
  { log, large }: { log: readonly string[]; large: { seed: string; size: number } },
): Promise<void> {
  await mkdir(directory)
  await layOutReports(join(directory, 'reports'))
  await writeSbom(join(directory, 'sbom.cdx.json'))
  await mkdir(join(directory, 'logs'))
  await writeFile(join(directory, 'logs', 'launcher.log'), `${log.join('\n')}\n`)
  await mkdir(join(directory, 'large'))
  await using file = await open(join(directory, 'large', 'generated.bin'), 'wx')
  for (const chunk of generatedBytes(large.seed, large.size)) await file.write(chunk)
}

/** The reports of `npm test`, which has just run the packages' tests; where only these tests are run, a small run makes its own. */
async function layOutReports(to: string): Promise<void> {
  const reports = join(repository, 'reports')
  if ((await isThere(join(reports, 'junit-packages.xml'))) && (await isThere(join(reports, 'coverage')))) {
    await cp(join(reports, 'junit-packages.xml'), join(to, 'junit-packages.xml'))
    await cp(join(reports, 'coverage'), join(to, 'coverage'), { recursive: true })
    return
  }
  const vitest = join(repository, 'node_modules', 'vitest', 'vitest.mjs')
  const coverage = `--coverage.reportsDirectory=${join(to, 'coverage')}`
  const junit = ['--reporter=junit', `--outputFile.junit=${join(to, 'junit-packages.xml')}`]
  await run(process.execPath, [vitest, 'run', '--config', 'e2e/small-run.config.ts', coverage, ...junit], {
    cwd: repository,
    env: plainEnvironment(),
  })
}

/** CycloneDX, made by pnpm from the lockfile alone. */
async function writeSbom(file: string): Promise<void> {
  const pnpm = join(repository, 'node_modules', '.bin', 'pnpm')
  await run(pnpm, ['sbom', '--sbom-format', 'cyclonedx', '--lockfile-only', '--out', file], {
    cwd: repository,
    env: plainEnvironment(),
  })
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}

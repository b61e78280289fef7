import { rm } from 'node:fs/promises'
import { runChecks } from './checks.ts'
import { runCommand } from './run-command.ts'
import { endPart, runTests } from './test-part.ts'

/**
 * `npm test`: the checks, then the tests of the packages and services, then the system end to end, which pushes what the first two made. The
 * last line tells how many passed and failed; a check counts as one. Arguments are handed to the first run of vitest and leave out the rest.
 */
const only = process.argv.slice(2)
if (only.length > 0) {
  process.exitCode = await runCommand('vitest', ['run', ...only])
} else {
  await rm('reports', { recursive: true, force: true })
  const checks = await runChecks()
  const packages = await runTests('packages', ['--coverage'])
  const e2e = await runTests('e2e', ['--config', 'e2e/vitest.config.ts'])
  const checked = {
    passed: checks.passed.length,
    failed: checks.failed.length,
    failures: checks.failed.map(name => `check: ${name}`),
  }
  await endPart('test', [checked, packages, e2e])
}

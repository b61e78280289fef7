import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { runChecks } from './checks.ts'
import { runCommand } from './run-command.ts'

/**
 * `npm test`: the checks, then the tests of the packages and services, then the system end to end, which pushes what the first two made. The
 * last line tells how many passed and failed; a check counts as one. Arguments are handed to the first run of vitest and leave out the rest.
 */
const only = process.argv.slice(2)
if (only.length > 0) {
  process.exitCode = await runCommand('vitest', ['run', ...only])
} else {
  await rm('reports', { recursive: true, force: true })
  await mkdir('reports', { recursive: true })
  const checks = await runChecks()
  const exitCodes = [
    await runCommand('vitest', ['run', '--coverage', ...reporters('packages')]),
    await runCommand('vitest', ['run', '--config', 'e2e/vitest.config.ts', ...reporters('e2e')]),
  ]
  const tests = ['packages', 'e2e'].map(countTests)
  const passed = checks.passed.length + tests.reduce((sum, run) => sum + run.passed, 0)
  // A run that broke before it could count its tests has failed once.
  const broken = tests.filter((run, i) => exitCodes[i] !== 0 && run.failed === 0).length
  const failed = checks.failed.length + tests.reduce((sum, run) => sum + run.failed, 0) + broken
  if (checks.failed.length > 0) process.stdout.write(`\nfailed checks: ${checks.failed.join(', ')}\n`)
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
}

function reporters(run: string): string[] {
  return [
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=reports/${run}.json`,
    '--reporter=junit',
    `--outputFile.junit=reports/junit-${run}.xml`,
  ]
}

/** A test that was skipped has not passed: it counts as failed, so that green means all. */
function countTests(run: string): { passed: number; failed: number } {
  const file = `reports/${run}.json`
  if (!existsSync(file)) return { passed: 0, failed: 0 }
  const { numTotalTests, numPassedTests } = JSON.parse(readFileSync(file, 'utf8')) as {
    numTotalTests: number
    numPassedTests: number
  }
  return { passed: numPassedTests, failed: numTotalTests - numPassedTests }
}

import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'

/** How many passed and failed: of a run of vitest, or of a part of all that is tested, such as `npm test`. */
export interface Count {
  readonly passed: number
  readonly failed: number
}

/** Runs vitest with its reports in `reports/`. A test that was skipped has not passed: it counts as failed, so that green means all. */
export async function runTests(name: string, args: readonly string[]): Promise<Count> {
  const json = `reports/${name}.json`
  const exitCode = await runCommand('vitest', [
    'run',
    ...args,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${json}`,
    '--reporter=junit',
    `--outputFile.junit=reports/junit-${name}.xml`,
  ])
  const count = existsSync(json) ? readCount(json) : { passed: 0, failed: 0 }
  // A run that broke before it could count its tests has failed once.
  return exitCode !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count
}

/** Ends a part: keeps its count for the total, tells it in the last line, and sets the exit code. */
export async function endPart(part: string, counts: readonly Count[]): Promise<void> {
  const total = sum(counts)
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, `${part}.json`), JSON.stringify(total))
  tell(total)
}

/** The counts of several parts together, in the last line; one that left no count has failed once. */
export function endParts(parts: readonly string[]): void {
  const counts = parts.map(part => {
    const file = join(directory, `${part}.json`)
    const count = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Count) : { passed: 0, failed: 1 }
    process.stdout.write(`${part}: ${count.passed} passed, ${count.failed} failed\n`)
    return count
  })
  tell(sum(counts))
}

const directory = 'reports/parts'

function readCount(file: string): Count {
  const { numTotalTests, numPassedTests } = JSON.parse(readFileSync(file, 'utf8')) as {
    numTotalTests: number
    numPassedTests: number
  }
  return { passed: numPassedTests, failed: numTotalTests - numPassedTests }
}

function sum(counts: readonly Count[]): Count {
  return counts.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), { passed: 0, failed: 0 })
}

function tell({ passed, failed }: Count): void {
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
}

import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'

/** How many passed and failed: of a run of vitest, or of a part of all that is tested, such as `npm test`. */
export interface Count {
  readonly passed: number
  readonly failed: number
  /** What failed, a text each: its name, and why where that is known. */
  readonly failures?: readonly string[]
  /** What passed only when it was tried again, the same way. */
  readonly retried?: readonly string[]
}

/** Runs vitest with its reports in `reports/`. A test that was skipped has not passed: it counts as failed, so that green means all. */
export async function runTests(name: string, args: readonly string[]): Promise<Count> {
  const json = `reports/${name}.json`
  const exitCode = await runCommand('vitest', [
    'run',
    ...args,
    // A machine that others share may starve a test once; what passed only then is told at the end, and what fails twice is wrong.
    '--retry=1',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${json}`,
    '--reporter=junit',
    `--outputFile.junit=reports/junit-${name}.xml`,
  ])
  const count = existsSync(json) ? readCount(json) : { passed: 0, failed: 0 }
  // A run that broke before it could count its tests has failed once.
  return exitCode !== 0 && count.failed === 0
    ? { ...count, failed: 1, failures: [`${name}: vitest ended with ${exitCode}`] }
    : count
}

/** Ends a part: keeps its count for the total, tells it in the last line, and sets the exit code. */
export async function endPart(part: string, counts: readonly Count[]): Promise<void> {
  const total = sum(counts)
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, `${part}.json`), JSON.stringify(total))
  tell(total)
}

/** What failed in several parts, and their counts together in the last line; a part that left no count has failed once. */
export function endParts(parts: readonly string[]): void {
  const counts = parts.map(part => {
    const file = join(directory, `${part}.json`)
    const count: Count = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : { passed: 0, failed: 1, failures: [`${part} did not end`] }
    process.stdout.write(`${part}: ${count.passed} passed, ${count.failed} failed\n`)
    return count
  })
  tell(sum(counts))
}

const directory = 'reports/parts'

function readCount(file: string): Count {
  const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport
  const failures = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const tests = assertionResults.filter(test => test.status !== 'passed')
    const broken = status === 'failed' && tests.length === 0 ? [`${name}\n${firstLines(message)}`] : []
    return [
      ...broken,
      ...tests.map(test => `${name}: ${test.fullName} (${test.status})\n${firstLines(test.failureMessages?.[0] ?? '')}`),
    ]
  })
  const retried = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status, failureMessages = [] }) => status === 'passed' && failureMessages.length > 0)
      .map(test => `${name}: ${test.fullName}\n${firstLines(test.failureMessages?.[0] ?? '')}`),
  )
  return { passed: report.numPassedTests, failed: report.numTotalTests - report.numPassedTests, failures, retried }
}

/** What is read of the report that vitest writes as JSON. */
interface VitestReport {
  readonly numTotalTests: number
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

/** The first of a long message with its stack: enough to know where to look. */
function firstLines(text: string): string {
  return text.split('\n').slice(0, 12).join('\n')
}

function sum(counts: readonly Count[]): Required<Count> {
  return {
    passed: counts.reduce((total, { passed }) => total + passed, 0),
    failed: counts.reduce((total, { failed }) => total + failed, 0),
    failures: counts.flatMap(({ failures }) => failures ?? []),
    retried: counts.flatMap(({ retried }) => retried ?? []),
  }
}

// What failed is told at the end, where it is found whatever was printed before it.
function tell({ passed, failed, failures, retried }: Required<Count>): void {
  for (const one of retried) process.stdout.write(`\npassed when it was tried again: ${one}\n`)
  for (const failure of failures) process.stdout.write(`\nfailed: ${failure}\n`)
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
}

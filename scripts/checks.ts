import { runCommand } from './run-command.ts'

/** What is checked without running the system. A warning counts as an error. */
const checks: readonly { readonly name: string; readonly command: string; readonly args: readonly string[] }[] = [
  { name: 'format and lint', command: 'biome', args: ['check', '--error-on-warnings'] },
  { name: 'types', command: 'turbo', args: ['run', 'typecheck', '--output-logs=errors-only', '--no-update-notifier'] },
  { name: 'types of the scripts and configurations', command: 'tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'documents that are made from the code', command: 'node', args: ['scripts/generate-documents.ts', '--check'] },
  { name: 'unused code and dependencies', command: 'knip', args: ['--treat-config-hints-as-errors'] },
]

/** Runs them all, each with its name before it. @returns the names of those that failed. */
export async function runChecks(): Promise<{ passed: string[]; failed: string[] }> {
  const passed: string[] = []
  const failed: string[] = []
  for (const { name, command, args } of checks) {
    process.stdout.write(`\n— ${name}\n`)
    const code = await runCommand(command, args, { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' })
    ;(code === 0 ? passed : failed).push(name)
  }
  return { passed, failed }
}

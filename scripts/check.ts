import { runChecks } from './checks.ts'

const { failed } = await runChecks()
if (failed.length > 0) process.stdout.write(`\nfailed: ${failed.join(', ')}\n`)
process.exitCode = failed.length === 0 ? 0 : 1

import { runCommand } from './run-command.ts'

process.exitCode = await runCommand('biome', ['check', '--write'])

import { runCommand } from './run-command.ts'

const documents = await runCommand('node', ['scripts/generate-documents.ts'])
const biome = await runCommand('biome', ['check', '--write'])
process.exitCode = documents === 0 ? biome : documents

import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fillIn } from './documents/generated-parts.ts'
import { settingsTables } from './documents/settings-tables.ts'

/**
 * Writes what documents say about the code from the code itself: the tables of the settings. Part of `npm run format`; with `--check`, part of
 * `npm run check`, it only looks whether that was done.
 */
const file = resolve(import.meta.dirname, '..', 'docs', 'OPERATIONS.md')
const isCheck = process.argv.includes('--check')
const written = await readFile(file, 'utf8')
const right = fillIn(written, settingsTables())
if (right !== written && isCheck) {
  process.stdout.write('docs/OPERATIONS.md does not say what the code does: run npm run format, and look at what it changes\n')
  process.exitCode = 1
} else if (right !== written) {
  await writeFile(file, right)
  process.stdout.write('docs/OPERATIONS.md now says what the code does\n')
}

import { readFileSync } from 'node:fs'
import { renewStates, storeLog } from '@artifact-store/testkit'

/**
 * `npm run store-log` stores the log that this version writes, for the tests of all later ones; part of a release.
 * `npm run store-log -- --renew` writes anew what the views show of the stored logs: look at the difference before you commit it.
 */
const [argument, ...more] = process.argv.slice(2)
if (more.length > 0 || (argument !== undefined && argument !== '--renew')) {
  process.stderr.write('usage: npm run store-log [-- --renew]\n')
  process.exitCode = 2
} else if (argument === '--renew') {
  await renewStates()
} else {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  if ((await storeLog(version)) === 'was stored') {
    process.stderr.write(`the log of ${version} is stored already and changes no more: raise the version in package.json first\n`)
    process.exitCode = 1
  }
}

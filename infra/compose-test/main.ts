import { parseArgs } from 'node:util'
import { endPart } from '../../scripts/test-part.ts'
import { Checks } from './checks.ts'
import { whatIsMissing } from './docker.ts'
import { oneMachine } from './one-machine.ts'
import { scaled } from './scaled.ts'
import { withS3 } from './with-s3.ts'

/**
 * `npm run test:compose`: builds the images, runs docker-compose.yml and the files beside it, breaks them and looks whether they keep what they
 * have acknowledged. `-- --only one`, `scale` or `s3` for one of them; without it, the first two, as the image of the last takes minutes to build.
 * Where there is no engine it says what is missing, and fails.
 */
const { values } = parseArgs({ options: { only: { type: 'string' } } })
const parts = { one: oneMachine, scale: scaled, s3: withS3 }
const chosen = Object.entries(parts).filter(([name]) => (values.only === undefined ? name !== 's3' : values.only === name))

const missing = await whatIsMissing()
if (missing !== undefined || chosen.length === 0) {
  process.stderr.write(
    missing === undefined
      ? `test:compose knows no part "${values.only}"; there are: ${Object.keys(parts).join(', ')}\n`
      : `test:compose needs ${missing}. On Debian 12, as root, infra/compose-test/engine.sh brings an engine of its own: it says how to use it\n`,
  )
  await endPart('test:compose', [{ passed: 0, failed: 1 }])
} else {
  const checks = new Checks()
  for (const [name, part] of chosen) {
    process.stdout.write(`\n— compose: ${name}\n`)
    await checks.that(`${name}: nothing else went wrong`, () => part(checks))
  }
  await endPart('test:compose', [checks.count])
}

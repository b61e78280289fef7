import { missingCephPackages } from '../packages/testkit/src/ceph/ceph-programs.ts'
import { endPart, runTests } from './test-part.ts'

/**
 * `npm run test:s3`: starts a real Ceph gateway and runs on it the suite that every backend passes, an examination, and a push and a pull through a
 * gateway. Where Ceph is not there it says what to install, and fails: tests that did not run have not passed.
 */
const missing = missingCephPackages(process.env['PATH'] ?? '')
if (missing.length > 0) {
  process.stderr.write(
    `test:s3 needs the programs of a Ceph gateway, and these packages are not installed: ${missing.join(', ')}\n` +
      `install them, on Debian or Ubuntu as root: apt-get install --no-install-recommends ${missing.join(' ')}\n`,
  )
  await endPart('test:s3', [{ passed: 0, failed: 1 }])
} else {
  await endPart('test:s3', [await runTests('s3', ['--config', 'e2e/s3.config.ts', ...process.argv.slice(2)])])
}

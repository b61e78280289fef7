import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { endPart, runTests } from './test-part.ts'

/**
 * `npm run test:observability`: has the tools of Prometheus check its configuration and test its rules, and runs it on a running system. Where it is not there this
 * says what to install, and fails: tests that did not run have not passed.
 */
const places = (process.env['PATH'] ?? '').split(delimiter).filter(place => place !== '')
const missing = ['prometheus', 'promtool'].filter(program => !places.some(place => existsSync(join(place, program))))
if (missing.length > 0) {
  process.stderr.write(
    `test:observability needs Prometheus, and these programs are not on the path: ${missing.join(', ')}\n` +
      'install them, on Debian or Ubuntu as root: apt-get install --no-install-recommends prometheus\n' +
      'or without the service that comes with it: apt-get download prometheus && dpkg -x prometheus_*.deb DIRECTORY, and put DIRECTORY/usr/bin on the path\n',
  )
  await endPart('test:observability', [{ passed: 0, failed: 1 }])
} else {
  const args = ['--config', 'e2e/observability.config.ts', ...process.argv.slice(2)]
  await endPart('test:observability', [await runTests('observability', args)])
}

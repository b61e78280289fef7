import manifest from '../../package.json' with { type: 'json' }
import { doubtful, type Finding, good } from './finding.ts'

/** Compares the gateway's version with that of this command; all parts are released together. */
export function* versionFindings(gateway: string): Generator<Finding> {
  if (gateway === manifest.version) yield good('version', `the gateway and this command are both ${gateway}`)
  else {
    yield doubtful(
      'version',
      `the gateway is ${gateway} and this command ${manifest.version}`,
      'this works as far as both know the same calls; use the command of the same version where something is not understood',
    )
  }
}

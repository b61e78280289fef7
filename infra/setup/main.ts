import { chmodSync, mkdirSync } from 'node:fs'
import { handOut } from './hand-out.ts'
import { openSecrets } from './secrets.ts'

/**
 * Runs before everything else of docker-compose.yml, at every start, and ends: makes the passwords that are not there yet, and gives each
 * container those that it needs, in a volume that no other one has.
 */
process.umask(0o022)
const secrets = openSecrets({ kept: '/secrets', given: '/given' })
handOut(secrets, '/hand-out')
// Its server runs as nobody in particular, and the image has no directory from which the volume could take an owner.
mkdirSync('/nats-data', { recursive: true })
chmodSync('/nats-data', 0o1777)

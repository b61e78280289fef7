import { chmodSync, readdirSync } from 'node:fs'
import { handOut } from './hand-out.ts'
import { openSecrets } from './secrets.ts'

/**
 * Runs before everything else of docker-compose.yml, at every start, and ends: makes the passwords that are not there yet, and gives each
 * container those that it needs, in a volume that no other one has.
 */
process.umask(0o022)
const secrets = openSecrets({ kept: '/secrets', given: '/given' })
handOut(secrets, '/hand-out')
// Of servers that run as nobody in particular, from images without a directory that such a volume could take its owner from.
for (const volume of readdirSync('/volumes')) chmodSync(`/volumes/${volume}`, 0o1777)

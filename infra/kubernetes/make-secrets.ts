import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { handOut } from '../setup/hand-out.ts'
import { openSecrets } from '../setup/secrets.ts'

/**
 * `npm run kubernetes-secrets [DIRECTORY]` makes the secrets that are not there yet, in files that kustomization.yaml names, and gives each service its own. What
 * stands in infra/setup/given goes first. Keep what it makes as you keep other secrets: it cannot be made again.
 */
const directory = process.argv[2] ?? join(import.meta.dirname, 'secrets')
const place = (...names: string[]) => {
  const path = join(directory, ...names)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return path
}
for (const owner of ['migrate', 'log-writer', 'projector', 'gateway', 'subscriber']) place('hand-out', owner)
const secrets = openSecrets({ kept: place('kept'), given: join(import.meta.dirname, '..', 'setup', 'given') })
handOut(secrets, place('hand-out'))
// The operator of the database and the chart of NATS take a secret as it stands, and would take a line break for a part of it.
for (const name of ['postgres-migrate', 'nats-relay', 'nats-projector', 'nats-gateway', 'nats-subscriber'] as const)
  writeFileSync(join(place('exact'), name), secrets[name], { mode: 0o600 })

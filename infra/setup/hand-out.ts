import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile, type Secrets } from './secrets.ts'

/**
 * Writes what each container is to know into a directory of its own below `to`, which is a volume that only that container mounts. That is what
 * keeps others from reading it; the files themselves may be read by any user, since which one a container runs as is its image's business.
 * Those who have no directory there are not part of the deployment.
 */
export function handOut(secrets: Secrets, to: string): void {
  for (const [owner, files] of Object.entries(shares(secrets))) {
    const directory = join(to, owner)
    if (!existsSync(directory)) continue
    for (const [name, text] of Object.entries(files)) replaceFile(join(directory, name), text, 0o444)
  }
}

/** Who gets what: the name of the volume, and the files in it. */
function shares(secrets: Secrets): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return {
    postgres: { migrate: secrets['postgres-migrate'], standby: secrets['postgres-standby'] },
    nats: { 'passwords.conf': natsPasswords(secrets), 'routes.conf': natsRoutes(secrets['nats-route']) },
    migrate: {
      'database-url': databaseUrl('migrate', secrets['postgres-migrate']),
      'login-log-writer': secrets['postgres-log-writer'],
      'login-projector': secrets['postgres-projector'],
      'login-gateway': secrets['postgres-gateway'],
    },
    'log-writer': {
      'database-url': databaseUrl('log_writer', secrets['postgres-log-writer']),
      'nats-url': natsUrl('relay', secrets['nats-relay']),
      'log-writer-token': secrets['log-writer-token'],
    },
    projector: {
      'database-url': databaseUrl('projector', secrets['postgres-projector']),
      'nats-url': natsUrl('projector', secrets['nats-projector']),
    },
    gateway: {
      'database-url': databaseUrl('gateway', secrets['postgres-gateway']),
      'nats-url': natsUrl('gateway', secrets['nats-gateway']),
      'log-writer-token': secrets['log-writer-token'],
      'admin-token': secrets['admin-token'],
      'aws-credentials': awsCredentials(secrets),
    },
    subscriber: { 'nats-url': natsUrl('subscriber', secrets['nats-subscriber']) },
    s3: { 'access-key': secrets['s3-access-key'], 'secret-key': secrets['s3-secret-key'] },
  }
}

function databaseUrl(user: string, password: string): string {
  return `postgres://${user}:${encodeURIComponent(password)}@postgres:5432/artifact_store`
}

function natsUrl(user: string, password: string): string {
  return `nats://${user}:${encodeURIComponent(password)}@nats:4222`
}

/** Variables of the server's configuration. Its strings are written as those of JSON. */
function natsPasswords(secrets: Secrets): string {
  const users = ['relay', 'projector', 'gateway', 'subscriber'] as const
  return users.map(user => `${user.toUpperCase()}_PASSWORD: ${JSON.stringify(secrets[`nats-${user}`])}`).join('\n')
}

/** How the servers of a cluster find each other (infra/nats/cluster.conf). */
function natsRoutes(password: string): string {
  const routes = [1, 2, 3].map(n => JSON.stringify(`nats://route:${encodeURIComponent(password)}@nats-${n}:6222`))
  return `ROUTE_PASSWORD: ${JSON.stringify(password)}\nROUTES: [${routes.join(', ')}]`
}

function awsCredentials(secrets: Secrets): string {
  return `[default]\naws_access_key_id = ${secrets['s3-access-key']}\naws_secret_access_key = ${secrets['s3-secret-key']}`
}

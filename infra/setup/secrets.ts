import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every secret of an installation, by the name of its file. */
const secretNames = [
  'admin-token',
  'log-writer-token',
  'postgres-migrate',
  'postgres-standby',
  'postgres-log-writer',
  'postgres-projector',
  'postgres-gateway',
  'nats-relay',
  'nats-projector',
  'nats-gateway',
  'nats-subscriber',
  'nats-route',
  's3-access-key',
  's3-secret-key',
] as const

export type Secrets = Readonly<Record<(typeof secretNames)[number], string>>

/**
 * Each one as the operator has given it, else as it was made before, else made now: 32 random bytes. A given one is kept too, so that it stays
 * when its file goes.
 * @param places directories: `kept` is the volume of the secrets, `given` is the operator's and is only read.
 */
export function openSecrets({ kept, given }: { kept: string; given: string }): Secrets {
  const entries = secretNames.map(name => {
    const file = join(kept, name)
    const known = read(file)
    const value = read(join(given, name)) ?? known ?? makeSecret(name)
    if (value !== known) replaceFile(file, value, 0o600)
    return [name, value] as const
  })
  return Object.fromEntries(entries) as Record<(typeof secretNames)[number], string>
}

/** Puts a file in the place of another, at once and whole. */
export function replaceFile(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, `${text}\n`, { mode, flush: true })
  renameSync(`${file}.new`, file)
}

function makeSecret(name: string): string {
  const random = randomBytes(32).toString('base64url')
  return name === 'admin-token' ? `ast_${random}` : random
}

/** What a file holds without its last line break; undefined where there is none or nothing in it. */
function read(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  return readFileSync(file, 'utf8').replace(/\r?\n$/, '') || undefined
}

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ArtifactError } from '@artifact-store/client'

export interface Connection {
  readonly url: string
  readonly token: string
}

/** The environment variables that the command knows; the table of the settings in docs/OPERATIONS.md is made from them. */
export const cliSettings = {
  ARTIFACT_STORE_URL: {
    fallback: 'http://127.0.0.1:8080',
    takes: 'a URL that begins with http:// or https://',
    meaning: 'where the gateway is; `--url` goes first',
  },
  ARTIFACT_STORE_TOKEN: {
    fallback: undefined,
    takes: 'a token; secret',
    meaning: 'who is asking; `--token` goes first',
  },
  ARTIFACT_STORE_DATA: {
    fallback: undefined,
    takes: 'a directory',
    meaning:
      'for a store on this machine, where its first admin token is kept and used if no other is given; `data` in the repository where it is not given',
  },
} as const

/**
 * Which store to talk to and with which token: what the command line says, else `ARTIFACT_STORE_URL` and `ARTIFACT_STORE_TOKEN`, else the
 * store of this machine with the token that it keeps beside its data (`ARTIFACT_STORE_DATA`). That token goes to this machine only.
 * @throws ArtifactError `configuration` when there is no token.
 */
export function findConnection(
  given: { url?: string | undefined; token?: string | undefined },
  environment: Readonly<Partial<Record<keyof typeof cliSettings, string | undefined>>> = process.env,
): Connection {
  const { ARTIFACT_STORE_URL, ARTIFACT_STORE_TOKEN, ARTIFACT_STORE_DATA } = environment
  const url = given.url ?? nonEmpty(ARTIFACT_STORE_URL) ?? cliSettings.ARTIFACT_STORE_URL.fallback
  const token = given.token ?? nonEmpty(ARTIFACT_STORE_TOKEN)
  if (token !== undefined) return { url, token }
  if (!isThisMachine(url)) {
    throw new ArtifactError('configuration', `no token for ${url}: set ARTIFACT_STORE_TOKEN, or give --token`)
  }
  const file = join(resolve(nonEmpty(ARTIFACT_STORE_DATA) ?? join(repository, 'data')), 'admin-token')
  return { url, token: readTokenFile(file, url) }
}

const repository = resolve(import.meta.dirname, '..', '..', '..')

function readTokenFile(file: string, url: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const why = code === 'EACCES' ? `${file} may be read by its owner only` : `there is none in ${file}`
    throw new ArtifactError(
      'configuration',
      `no token for ${url}: set ARTIFACT_STORE_TOKEN, or give --token; the one that a store started here keeps was looked for, and ${why}`,
      { cause },
    )
  }
}

function isThisMachine(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? ''
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** An empty variable counts as not set. */
function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value
}

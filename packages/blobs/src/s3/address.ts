import { ArtifactError } from '@artifact-store/core'

/** Where an S3 store is and how it is spoken to. Credentials are no part of it: they come from the standard AWS variables and files. */
export interface S3Address {
  readonly bucket: string
  /** What every key begins with: empty, or a path with a slash at its end. */
  readonly prefix: string
  /** The server; undefined for AWS. */
  readonly endpoint: string | undefined
  /** The same server as clients reach it, where that is another address; only presigned addresses have it. */
  readonly publicEndpoint: string | undefined
  /** Undefined where the AWS variables and files are to say. */
  readonly region: string | undefined
  /** Whether the bucket stands in the path and not in the host's name. */
  readonly pathStyle: boolean
  /** Bytes of a part of a large upload, and the most that is put in one piece. */
  readonly partSize: number
  /** A connection on which no byte moves for so long is given up, in milliseconds. */
  readonly idleTimeoutMs: number
}

const mebibyte = 1024 * 1024

/** What an address is where it does not say: parts of 8 MiB, 30 seconds. */
const defaults = { partSize: 8 * mebibyte, idleTimeoutMs: 30_000 } as const

/**
 * Reads `s3://bucket/prefix?endpoint=https://host&region=eu-central-1&pathStyle=true&partMiB=8&idleTimeoutMs=30000`; all but the
 * bucket may be left out.
 * @throws ArtifactError `configuration`
 */
export function parseS3Address(url: URL): S3Address {
  if (url.username !== '' || url.password !== '')
    throw mistake('credentials do not belong into the address: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/.test(url.host)) throw mistake('it names no bucket')
  if (url.hash !== '') throw mistake('it has a fragment (#…), which means nothing here')
  for (const name of url.searchParams.keys()) {
    if (!known.includes(name)) throw mistake(`there is no setting "${name}"; known are ${known.join(', ')}`)
    if (url.searchParams.getAll(name).length > 1) throw mistake(`"${name}" is given twice`)
  }
  const endpoint = endpointOf(url, 'endpoint')
  const region = url.searchParams.get('region') ?? undefined
  if (region !== undefined && !/^[a-z0-9-]{1,40}$/.test(region)) throw mistake('its region is none, such as eu-central-1')
  return {
    bucket: url.host,
    prefix: prefixOf(url.pathname),
    endpoint,
    publicEndpoint: endpointOf(url, 'publicEndpoint'),
    // A server of one's own mostly has one region and wants this name of it in signatures.
    region: region ?? (endpoint === undefined ? undefined : 'us-east-1'),
    pathStyle: pathStyleOf(url.searchParams.get('pathStyle')),
    partSize: integer(url, 'partMiB', { least: 1, most: 512 }, defaults.partSize / mebibyte) * mebibyte,
    idleTimeoutMs: integer(url, 'idleTimeoutMs', { least: 100, most: 3_600_000 }, defaults.idleTimeoutMs),
  }
}

/** The address as a URL, for messages and reports. */
export function showAddress({ bucket, prefix, endpoint, region, pathStyle }: S3Address): string {
  const settings = [
    ...(endpoint === undefined ? [] : [`endpoint=${endpoint}`]),
    ...(region === undefined ? [] : [`region=${region}`]),
    ...(pathStyle ? ['pathStyle=true'] : []),
  ]
  return `s3://${bucket}${prefix === '' ? '' : `/${prefix.slice(0, -1)}`}${settings.length === 0 ? '' : `?${settings.join('&')}`}`
}

const known: readonly string[] = ['endpoint', 'publicEndpoint', 'region', 'pathStyle', 'partMiB', 'idleTimeoutMs']

function endpointOf(address: URL, name: string): string | undefined {
  const text = address.searchParams.get(name)
  if (text === null) return undefined
  const url = URL.parse(text)
  if (
    url === null ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== ''
  )
    throw mistake(`its ${name} is not a plain http: or https: URL`)
  return url.href.replace(/\/$/, '')
}

function prefixOf(pathname: string): string {
  const path = pathname.replace(/^\//, '').replace(/\/$/, '')
  if (path === '') return ''
  if (!path.split('/').every(segment => /^[A-Za-z0-9][A-Za-z0-9._=-]*$/.test(segment)))
    throw mistake('its path may have only letters, digits and . _ = - between single slashes')
  return `${path}/`
}

function pathStyleOf(text: string | null): boolean {
  if (text === null || text === 'false') return false
  if (text === 'true') return true
  throw mistake('pathStyle is true or false')
}

function integer(url: URL, name: string, { least, most }: { least: number; most: number }, otherwise: number): number {
  const text = url.searchParams.get(name)
  if (text === null) return otherwise
  const value = Number(text)
  if (!/^\d{1,9}$/.test(text) || value < least || value > most)
    throw mistake(`${name} is not a whole number from ${least} to ${most}`)
  return value
}

// The URL itself is not shown: what stands there by mistake may be a secret.
function mistake(what: string): ArtifactError {
  return new ArtifactError(
    'configuration',
    `the address of the S3 store is wrong: ${what}; write it as s3://bucket/prefix?endpoint=https://host&region=name&pathStyle=true`,
  )
}

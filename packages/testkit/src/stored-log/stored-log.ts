import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { StoredEvent } from '@artifact-store/core'
import { readEventLine } from './format.ts'
import type { EventForms } from './forms.ts'

/** The log that a released version wrote, with what it meant there and how others saw it. `npm run store-log` makes it. */
export interface StoredLog {
  readonly version: string
  /** From sequence 1 on, without a gap. */
  readonly events: readonly StoredEvent[]
  /** How others saw some of its events, at least one of each type. */
  readonly forms: readonly EventForms[]
  /** BLAKE3 over the canonical envelopes of all its events, each with a line feed behind it. */
  readonly envelopesDigest: string
  /** What its views showed. */
  readonly state: StoredState
  /** The schema of each type's payload (JSON Schema), by the type. */
  readonly schemas: Readonly<Record<string, unknown>>
}

interface StoredState {
  /** As `stateDigest` told it. */
  readonly position: number
  readonly digest: string
  /** The rows of each view as JSON, in the order of their texts. */
  readonly views: Readonly<Record<string, readonly unknown[]>>
}

/** The files of one version, and those that a later version may make anew: see CONTRIBUTING.md. */
export const storedFiles = {
  events: 'events.ndjson.gz',
  forms: 'forms.ndjson',
  schemas: 'schemas.json',
  state: 'state.ndjson',
} as const

/** A directory for each released version, and `index.json` with the SHA-256 of each file. */
export const storedLogs = new URL('../../../views/test/stored-logs/', import.meta.url)

/** The versions of which a log is stored. */
export function storedVersions(): string[] {
  return readdirSync(storedLogs, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
}

export function readStoredLog(version: string): StoredLog {
  const read = (file: string) => readFileSync(new URL(`${version}/${file}`, storedLogs))
  const [head, ...rows] = lines(read(storedFiles.state)) as [Omit<StoredState, 'views'>, ...StateLine[]]
  const [digests, ...forms] = lines(read(storedFiles.forms)) as [{ envelopesDigest: string }, ...EventForms[]]
  const views = Object.fromEntries(
    [...Map.groupBy(rows, ({ view }) => view)].map(([view, of]) => [view, of.map(({ row }) => row)]),
  )
  return {
    version,
    events: textLines(gunzipSync(read(storedFiles.events))).map(readEventLine),
    forms,
    ...digests,
    state: { ...head, views },
    schemas: JSON.parse(read(storedFiles.schemas).toString()),
  }
}

/** The hash of each file of a version, by its name. */
export type FileHashes = Readonly<Record<string, string>>

/** What `index.json` says of each version. */
export function storedIndex(): Readonly<Record<string, FileHashes>> {
  return JSON.parse(readFileSync(new URL('index.json', storedLogs), 'utf8'))
}

/** The files of a version as they are. */
export function hashFiles(version: string): FileHashes {
  const directory = new URL(`${version}/`, storedLogs)
  const files = readdirSync(directory).toSorted((a, b) => (a < b ? -1 : 1))
  return Object.fromEntries(
    files.map(file => [
      file,
      createHash('sha256')
        .update(readFileSync(new URL(file, directory)))
        .digest('hex'),
    ]),
  )
}

export interface StateLine {
  readonly view: string
  readonly row: unknown
}

function lines(bytes: Buffer): unknown[] {
  return textLines(bytes).map(line => JSON.parse(line))
}

function textLines(bytes: Buffer): string[] {
  return bytes.toString().trimEnd().split('\n')
}

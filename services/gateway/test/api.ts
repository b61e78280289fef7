import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunningSystem } from '@artifact-store/testkit'

/** Calls the gateway as any client would. */
export interface Api {
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  createPackage(fields?: Readonly<Record<string, unknown>>): Promise<string>
  /** What the log and the blob directory hold: a refused request must leave it as it was. */
  footprint(): Promise<{ head: number; blobs: readonly string[] }>
  /** Uploads that are on their way into the blob directory. */
  staging(): Promise<readonly string[]>
}

export interface CallOptions {
  readonly json?: unknown
  readonly body?: Uint8Array | string
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of the admin's; null for none. */
  readonly token?: string | null
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any
}

export function apiOf(system: RunningSystem, url = system.gateway.url): Api {
  const api: Api = {
    async call(method, path, { json, body, headers = {}, token = system.token } = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Blob([Buffer.from(body)]) }),
      })
      const bytes = Buffer.from(await response.arrayBuffer())
      const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '')
      return {
        status: response.status,
        headers: response.headers,
        bytes,
        json: isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined,
      }
    },
    async createPackage(fields = {}) {
      const answer = await api.call('POST', '/v1/packages', { json: { name: 'ci/nightly', kind: 'evidence', ...fields } })
      return answer.json.id
    },
    staging: () => readdir(join(system.blobs, 'staging')),
    async footprint() {
      const { rows } = await system.database.pool.query('select coalesce(max(sequence), 0)::int as head from log.events')
      // What is kept, not what is on its way: a broken upload is answered a moment before its staging file is gone.
      const entries = await readdir(join(system.blobs, 'blobs'), { recursive: true, withFileTypes: true })
      return {
        head: rows[0].head,
        blobs: entries
          .filter(entry => entry.isFile())
          .map(entry => entry.name)
          .sort(),
      }
    },
  }
  return api
}

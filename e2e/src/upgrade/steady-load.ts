import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'

/** Users who write and read all the time, and take no failure: nothing is tried twice. */
export interface SteadyLoad {
  /** How many packages are finished. */
  readonly finished: number
  /** @throws the first failure, if there was one. */
  failure(): undefined
  /** Lets everybody end what they are at. @returns what every answer said that counts. @throws the first failure. */
  stop(): Promise<readonly Finished[]>
}

/** A package that was finalized: the SHA-256 of each file's bytes, in hexadecimal, by its path. */
export interface Finished {
  readonly id: string
  readonly files: ReadonlyMap<string, string>
}

const withId = z.looseObject({ id: z.string() })

/**
 * @param connections `kept`: each user sends one request after the other over one connection, as long as the server keeps it; `fresh`: each request has one
 * of its own. A pool that users share would let some connections idle, and nobody can close those without a request being on its way now and then.
 */
export function startLoad(url: string, token: string, users: number, connections: 'kept' | 'fresh'): SteadyLoad {
  const finished: Finished[] = []
  let stopping = false
  let failed: { readonly error: unknown } | undefined
  const use = async (user: number) => {
    const ask = askerOf(url, token, connections)
    for (let round = 0; !stopping; round++) finished.push(await pushOne(ask, `ci/user-${user}-${round}`))
  }
  const everybody = Promise.all(
    Array.from({ length: users }, (_, user) =>
      use(user).catch((error: unknown) => {
        failed ??= { error }
        stopping = true
      }),
    ),
  )
  const failure = (): undefined => {
    if (failed) throw failed.error
  }
  return {
    get finished() {
      return finished.length
    },
    failure,
    async stop() {
      stopping = true
      await everybody
      failure()
      return finished
    },
  }
}

async function pushOne(ask: Ask, name: string): Promise<Finished> {
  const created = await ask('POST', '/v1/packages', JSON.stringify({ name, kind: 'evidence' }), 'application/json')
  const { id } = withId.parse(JSON.parse(created.toString()))
  const files = new Map<string, string>()
  for (const [at, size] of [300, 5000, 200_000].entries()) {
    const bytes = randomBytes(size)
    await ask('PUT', `/v1/packages/${id}/files/file-${at}`, bytes, 'application/octet-stream')
    files.set(`file-${at}`, sha256(bytes))
  }
  await ask('POST', `/v1/packages/${id}/finalize`)
  const finished = { id, files }
  await readBack(ask, finished)
  return finished
}

/** @throws Error where a file is not what it was. */
export async function expectKept(url: string, token: string, packages: readonly Finished[]): Promise<void> {
  const ask = askerOf(url, token, 'fresh')
  for (const one of packages) await readBack(ask, one)
}

async function readBack(ask: Ask, { id, files }: Finished): Promise<void> {
  for (const [path, digest] of files) {
    const bytes = await ask('GET', `/v1/packages/${id}/files/${path}`)
    if (sha256(bytes) !== digest) throw new Error(`${path} of ${id} has other bytes than were sent`)
  }
}

type Ask = (method: string, path: string, body?: string | Uint8Array, type?: string) => Promise<Buffer>

function askerOf(url: string, token: string, connections: 'kept' | 'fresh'): Ask {
  const agent = connections === 'kept' ? new Agent({ keepAlive: true, maxSockets: 1 }) : false
  return async (method, path, body, type) => {
    const headers = { authorization: `Bearer ${token}`, ...(type ? { 'content-type': type } : {}) }
    const asking = request(`${url}${path}`, { method, headers, agent })
    asking.end(body)
    try {
      const [answer]: IncomingMessage[] = await once(asking, 'response')
      if (!answer) throw new Error('it is missing')
      const bytes = await buffer(answer)
      const { statusCode = 0 } = answer
      if (statusCode < 300) return bytes
      throw new Error(`it is ${statusCode}: ${bytes.toString().slice(0, 500)}`)
    } catch (error) {
      throw new Error(`${method} ${path} had no good answer`, { cause: error })
    }
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

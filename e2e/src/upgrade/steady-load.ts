import { createHash, randomBytes } from 'node:crypto'
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

/** @param connections `kept`: users send one request after the other over the same connection; `fresh`: each has one of its own. */
export function startLoad(url: string, token: string, users: number, connections: 'kept' | 'fresh'): SteadyLoad {
  const ask = askerOf(url, token, connections === 'fresh' ? { connection: 'close' } : {})
  const finished: Finished[] = []
  let stopping = false
  let failed: { readonly error: unknown } | undefined
  const use = async (user: number) => {
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
  const ask = askerOf(url, token)
  for (const one of packages) await readBack(ask, one)
}

async function readBack(ask: Ask, { id, files }: Finished): Promise<void> {
  for (const [path, digest] of files) {
    const bytes = await ask('GET', `/v1/packages/${id}/files/${path}`)
    if (sha256(bytes) !== digest) throw new Error(`${path} of ${id} has other bytes than were sent`)
  }
}

type Ask = (method: string, path: string, body?: string | Uint8Array<ArrayBuffer>, type?: string) => Promise<Buffer>

function askerOf(url: string, token: string, always: Readonly<Record<string, string>> = {}): Ask {
  return async (method, path, body, type) => {
    const headers = { ...always, authorization: `Bearer ${token}`, ...(type ? { 'content-type': type } : {}) }
    const answer = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) }).catch(
      (error: unknown) => {
        throw new Error(`${method} ${path} had no answer`, { cause: error })
      },
    )
    const bytes = Buffer.from(await answer.arrayBuffer())
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${bytes.toString().slice(0, 500)}`)
    return bytes
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

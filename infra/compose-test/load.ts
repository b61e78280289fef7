import { randomBytes } from 'node:crypto'
import { ArtifactStoreClient } from '@artifact-store/client'
import { isArtifactError } from '@artifact-store/core'
import { must, until } from './checks.ts'

/** What the store has said of a package: that it is finalized, with this manifest and these bytes in it. */
interface Acknowledged {
  readonly id: string
  readonly manifestDigest: string
  readonly bytes: Uint8Array
}

/** Clients that push small packages without a pause, and remember what they were told. */
export class Load {
  readonly #url: string
  readonly #token: string
  readonly #acknowledged: Acknowledged[] = []
  readonly #failed: unknown[] = []
  readonly #retried = new Map<string, number>()
  #stopping = new AbortController()
  #working: Promise<unknown> = Promise.resolve()

  constructor(url: string, token: string) {
    this.#url = url
    this.#token = token
  }

  start(clients: number): void {
    this.#stopping = new AbortController()
    this.#working = Promise.all(Array.from({ length: clients }, (_, n) => this.#push(n, this.#stopping.signal)))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#working
  }

  /** Resolves when that many more packages are acknowledged, so that the load is known to get through. */
  async goesOn(packages = 3): Promise<void> {
    const enough = this.#acknowledged.length + packages
    await until('the load goes on', async () => this.#failed.length > 0 || this.#acknowledged.length >= enough)
    this.mustNotHaveFailed()
  }

  /** @throws Error with the first failure that was not one to be tried again, or was not over before the client's patience. */
  mustNotHaveFailed(): void {
    must(this.#failed.length === 0, `${this.#failed.length} pushes have failed; the first: ${this.#failed[0]}`)
  }

  /** @param url of another store that should have the same. @throws Error when anything that was acknowledged is not there as it was. */
  async verify(url: string = this.#url): Promise<void> {
    using client = this.#client(url)
    for (const { id, manifestDigest, bytes } of this.#acknowledged) {
      const found = await client.packages.get(id)
      must(found.state === 'finalized' && found.manifestDigest === manifestDigest, `package ${id} is not as it was acknowledged`)
      const { body } = await client.files.get(id, 'one.bin')
      must(Buffer.concat(await collect(body)).equals(bytes), `package ${id} has other bytes than were acknowledged`)
    }
  }

  get tells(): string {
    const retried = [...this.#retried].map(([kind, times]) => `${kind} ${times}`).join(', ') || 'none'
    return `${this.#acknowledged.length} packages acknowledged; tried again after: ${retried}`
  }

  async #push(client: number, stopping: AbortSignal): Promise<void> {
    using store = this.#client()
    while (!stopping.aborted) {
      try {
        const bytes = randomBytes(2000)
        const { id } = await store.packages.create({ name: `load/client-${client}`, kind: 'evidence' })
        await store.files.put(id, 'one.bin', { body: bytes })
        const { manifestDigest } = await store.packages.finalize(id)
        this.#acknowledged.push({ id, manifestDigest, bytes })
      } catch (error) {
        this.#failed.push(error)
        return
      }
    }
  }

  /** As patient as a restart needs, which it tells of. */
  #client(url: string = this.#url): ArtifactStoreClient {
    const onRetry = ({ error }: { readonly error: unknown }) => {
      const kind = isArtifactError(error) ? error.kind : 'other'
      this.#retried.set(kind, (this.#retried.get(kind) ?? 0) + 1)
    }
    return new ArtifactStoreClient({ url, token: this.#token, retry: { attempts: 60 }, onRetry })
  }
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return chunks
}

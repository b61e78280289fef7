import { createHash } from 'node:crypto'
import type { ArtifactStoreClient } from '@artifact-store/client'
import { generatedBytes } from '../generated-bytes.ts'
import { watchMemory } from '../resident-memory.ts'
import type { RunningStore } from '../running-store.ts'
import { sha256Of } from '../sha256-of.ts'

export interface TransfersSoak {
  /** Bytes of a file. */
  readonly size: number
  /** How many files are under way at once, first all up and then all down. */
  readonly transfers: number
  readonly seed: number
  readonly say: (line: string) => void
}

export interface TransfersSoakResult {
  readonly transfers: number
  readonly size: number
  /** Of the gateway's resident memory since it began, in millions of bytes. */
  readonly peakMegabytes: { readonly up: number; readonly down: number }
  /** Files whose bytes were not those that were sent. */
  readonly wrong: number
}

/** Lets many large files go up at once, each of other bytes, and come down at once, and looks at the memory of the gateway that carries them. */
export async function transfersSoak(
  store: RunningStore,
  { size, transfers, seed, say }: TransfersSoak,
): Promise<TransfersSoakResult> {
  await using gateway = watchMemory(await store.pidOf('gateway'))
  const peak = async () => Math.ceil((await gateway.peak()) / 1e6)
  using client = store.client()
  const { id } = await client.packages.create({ name: 'soak/transfers', kind: 'dataset' })
  const files = Array.from({ length: transfers }, (_, i) => `file-${i}`)

  const sent = await Promise.all(files.map(file => upload(client, id, file, generatedBytes(`${file} ${seed}`, size), size)))
  const up = await peak()
  say(`${transfers} files are up: ${up} MB at most`)

  const received = await Promise.all(files.map(file => download(client, id, file)))
  const down = await peak()
  say(`${transfers} files are down: ${down} MB at most`)
  return { transfers, size, peakMegabytes: { up, down }, wrong: received.filter((sha256, i) => sha256 !== sent[i]).length }
}

/** @returns the SHA-256 of what left. */
async function upload(
  client: ArtifactStoreClient,
  id: string,
  file: string,
  bytes: Iterable<Uint8Array>,
  size: number,
): Promise<string> {
  const hash = createHash('sha256')
  async function* body() {
    for (const chunk of bytes) {
      hash.update(chunk)
      yield chunk
    }
  }
  await client.files.put(id, file, { body, size })
  return hash.digest('hex')
}

/** @returns the SHA-256 of what came. */
async function download(client: ArtifactStoreClient, id: string, file: string): Promise<string> {
  const { body } = await client.files.get(id, file)
  return await sha256Of(body)
}

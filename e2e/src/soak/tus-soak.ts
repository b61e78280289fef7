import { createHash } from 'node:crypto'
import { type ArtifactStoreClient, isArtifactError } from '@artifact-store/client'
import { parseDigest } from '@artifact-store/core'
import { createBLAKE3 } from 'hash-wasm'
import { generatedBytes } from '../generated-bytes.ts'
import type { RunningStore } from '../running-store.ts'
import { seededRandom } from '../seeded-random.ts'
import { sha256Of } from '../sha256-of.ts'
import { type MoreGateway, startMoreGateway } from './more-gateways.ts'

export interface TusSoak {
  /** Bytes of the upload. */
  readonly size: number
  /** How often a gateway is killed; at half of them the client changes to another one. */
  readonly kills: number
  readonly seed: number
  readonly say: (line: string) => void
}

export interface TusSoakResult {
  readonly kills: number
  /** Bytes that left the client, of which those above the size were sent again. */
  readonly sent: number
  /** What the store says that it has, and what the bytes have that it gives back. */
  readonly stored: { readonly digest: string | undefined; readonly sha256: string | undefined }
  readonly fetched: string
  readonly expected: { readonly digest: string; readonly sha256: string }
}

/**
 * Uploads over tus while the gateway is killed again and again, goes on at another gateway half way with nothing but the digest in hand, and fetches
 * what was stored.
 */
export async function tusSoak(store: RunningStore, { size, kills, seed, say }: TusSoak): Promise<TusSoakResult> {
  const content = `tus ${seed}`
  const random = seededRandom(seed)
  // Between 2 and 98 % of the bytes.
  const moments = Array.from({ length: kills }, () => Math.floor(size * (0.02 + 0.96 * random()))).sort((a, b) => a - b)
  const change = moments[Math.floor(kills / 2)] ?? 0

  await using gateways = new AsyncDisposableStack()
  const start = async (name: string) => gateways.use(await startMoreGateway(store, name))
  const [first, second, expected] = await Promise.all([
    start('soaked-gateway-1'),
    start('soaked-gateway-2'),
    digestsOf(content, size),
  ])
  const moved = new AbortController()
  let sent = 0
  let killed = 0

  /** The bytes from an offset on; whenever they pass one of the moments, the gateway that takes them in is killed. */
  async function* open(offset: number, gateway: MoreGateway) {
    let position = offset
    say(`at ${percent(position / size)} the upload goes on at ${gateway.url}`)
    for (const chunk of generatedBytes(content, size, offset)) {
      yield chunk
      position += chunk.length
      sent += chunk.length
      const moment = moments[0]
      if (moment === undefined || position < moment) continue
      moments.shift()
      killed += 1
      await gateway.kill9()
      if (moment === change) moved.abort(new Error('the client moves to another gateway'))
    }
  }
  const put = (client: ArtifactStoreClient, gateway: MoreGateway, signal?: AbortSignal) =>
    client.uploads.put({ open: offset => open(offset, gateway), size, digest: parseDigest(expected.digest) }, { signal })

  using before = store.client({ url: first.url })
  await put(before, first, moved.signal).catch((error: unknown) => {
    if (!moved.signal.aborted || isArtifactError(error)) throw error
  })
  using after = store.client({ url: second.url })
  const stored = await put(after, second)

  const { body } = await after.blobs.get(expected.digest)
  const fetched = await sha256Of(body)
  return {
    kills: killed,
    sent,
    stored: { digest: stored.digest, sha256: stored.sha256 },
    fetched: `sha256:${fetched}`,
    expected,
  }
}

async function digestsOf(content: string, size: number): Promise<{ digest: string; sha256: string }> {
  const [blake3, sha256] = [(await createBLAKE3()).init(), createHash('sha256')]
  for (const chunk of generatedBytes(content, size)) {
    blake3.update(chunk)
    sha256.update(chunk)
  }
  return { digest: `blake3:${blake3.digest('hex')}`, sha256: `sha256:${sha256.digest('hex')}` }
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`
}

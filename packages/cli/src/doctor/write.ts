import { type ArtifactStoreClient, hashBytes, isArtifactError } from '@artifact-store/client'
import { doubtful, type Finding, good, wrong } from './finding.ts'

/** Stores a few bytes, reads them back, and says what came of it. They are the same within an hour, so that not every look adds a blob. */
export async function* writeFindings(
  client: ArtifactStoreClient,
  scopes: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const about = 'round trip'
  if (!scopes.includes('write') && !scopes.includes('admin')) {
    yield doubtful(
      about,
      'the token may not write, so nothing was stored',
      'leave --write out, or give a token with the scope "write"',
    )
    return
  }
  const bytes = Buffer.from(`written by artifact doctor in the hour of ${new Date().toISOString().slice(0, 13)}\n`)
  try {
    const began = performance.now()
    const { digest } = await hashBytes(bytes)
    const outcome = await client.blobs.put(digest, { body: bytes }, { signal })
    const { body } = await client.blobs.get(digest, { signal })
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    if (!Buffer.concat(chunks).equals(bytes))
      yield wrong(about, 'the bytes that came back are not those that were stored', 'look for a proxy that changes bodies')
    else
      yield good(
        about,
        `a small blob was ${outcome === 'known' ? 'there already' : 'stored'} and came back right, in ${Math.round(performance.now() - began)} ms`,
      )
  } catch (error) {
    signal.throwIfAborted()
    if (!isArtifactError(error)) throw error
    yield wrong(about, error.message)
  }
}

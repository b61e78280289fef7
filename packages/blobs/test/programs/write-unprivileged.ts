import { isArtifactError, parseDigest } from '@artifact-store/core'
import { openFsBlobStore } from '../../src/backends/fs.ts'
import { content, put, readAll } from '../../src/conformance/content.ts'

// Writes to and reads from a store whose staging directory is read-only; as nobody when it runs as root, for whom nothing is.
const [, , directory = '', digest = ''] = process.argv
const store = await openFsBlobStore({ directory })
if (process.getuid?.() === 0) process.seteuid?.(65534)

const blob = await content(5000)
process.stdout.write(
  JSON.stringify({
    put: await failure(put(store, blob)),
    probe: await failure(store.probe()),
    read: (await readAll(await store.get(parseDigest(digest)))).length,
  }),
)

async function failure(attempt: Promise<void>): Promise<string> {
  try {
    await attempt
    return 'none'
  } catch (error) {
    if (!isArtifactError(error)) return String(error)
    const { code } = error.details
    return `${error.kind} ${code}`
  }
}

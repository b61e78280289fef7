import { openFsBlobStore } from '../../src/backends/fs.ts'
import { content, mebibyte, stream } from '../../src/conformance/content.ts'

// Puts half of a blob, says so, and waits to be killed.
const [, , directory = ''] = process.argv
const store = await openFsBlobStore({ directory })
const blob = await content(8 * mebibyte)
setInterval(() => undefined, 60_000)

await store.put(
  (async function* () {
    yield* stream(blob.bytes, mebibyte)
    process.stdout.write('half way\n')
    await new Promise(() => undefined)
  })(),
  () => blob.digest,
)

import { content } from '../../src/conformance/content.ts'
import { openFsBlobStore } from '../../src/index.ts'

// Puts small blobs into the directory, says that it has, and waits to be killed.
const store = await openFsBlobStore({ directory: process.argv[2] ?? '' })
const blobs = await Promise.all(Array.from({ length: 20 }, (_, index) => content(1000 + index, index + 1)))
await Promise.all(blobs.map(({ digest, bytes }) => store.putSmall?.(digest, bytes)))
process.stdout.write('put\n')
setInterval(() => undefined, 60_000)

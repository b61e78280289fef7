import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isArtifactError } from '@artifact-store/core'
import { openFsBlobStore } from '../../src/backends/fs.ts'
import { type Content, content, listed, mebibyte, put } from '../../src/conformance/content.ts'

// Puts a blob that is too large for the limit on file sizes that it was started with, then one that fits, and says what became of them.
const [, , directory = ''] = process.argv
const store = await openFsBlobStore({ directory })

const large = await outcome(await content(5 * mebibyte))
const staged = await readdir(join(directory, 'staging'))
const small = await outcome(await content(1000))
process.stdout.write(JSON.stringify({ large, staged, small, listed: (await listed(store)).length }))

async function outcome(blob: Content): Promise<string> {
  try {
    await put(store, blob)
    return 'kept'
  } catch (error) {
    return isArtifactError(error) ? error.kind : String(error)
  }
}

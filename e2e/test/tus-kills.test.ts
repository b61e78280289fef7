import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { chooseSeed } from '../src/environment.ts'
import { startStore } from '../src/running-store.ts'
import { tusSoak } from '../src/soak/tus-soak.ts'
import { temporaryDirectory } from '../src/temporary-directory.ts'

const mebibyte = 1024 * 1024

it('takes in an upload whose gateway is killed five times and changed once, and has the right bytes', async () => {
  const seed = chooseSeed()
  const lines: string[] = []
  await using scratch = await temporaryDirectory()
  const dataDirectory = join(scratch.path, 'data')
  await using store = await startStore({ dataDirectory })
  const size = 64 * mebibyte
  const { kills, sent, stored, fetched, expected } = await tusSoak(store, { size, kills: 5, seed, say: line => lines.push(line) })
  expect({ kills, stored, fetched }, `E2E_SEED=${seed}\n${lines.join('\n')}`).toEqual({
    kills: 5,
    stored: expected,
    fetched: expected.sha256,
  })
  // What had arrived was not sent again from the beginning each time.
  expect(sent).toBeLessThan(5 * size)
  expect(await readdir(join(dataDirectory, 'blobs', 'uploads'))).toEqual([])
})

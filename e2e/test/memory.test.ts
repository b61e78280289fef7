import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { generatedBytes } from '../src/generated-bytes.ts'
import { watchMemory } from '../src/resident-memory.ts'
import { startStore } from '../src/running-store.ts'
import { sha256Of } from '../src/sha256-of.ts'
import { temporaryDirectory } from '../src/temporary-directory.ts'

const mebibyte = 1024 * 1024
const size = 2048 * mebibyte
const limit = 200
const services = ['gateway', 'log-writer', 'projector'] as const

it(`takes and gives 2 GiB with less than ${limit} MiB of resident memory in each service`, async () => {
  await using scratch = await temporaryDirectory()
  await using store = await startStore({ dataDirectory: join(scratch.path, 'data') })
  const pids = Object.fromEntries(
    await Promise.all(services.map(async service => [service, await store.pidOf(service)] as const)),
  )
  await using watches = new AsyncDisposableStack()
  const watched = Object.entries(pids).map(([service, pid]) => [service, watches.use(watchMemory(pid))] as const)
  using client = store.client()

  const { id } = await client.packages.create({ name: 'bulk/two-gibibytes', kind: 'dataset' })
  const sent = createHash('sha256')
  // Generated as it goes, so that there is no file that the upload could be a copy of.
  async function* body() {
    for (const chunk of generatedBytes('memory', size)) {
      sent.update(chunk)
      yield chunk
    }
  }
  const file = await client.files.put(id, 'large.bin', { body, size })
  const sha256 = `sha256:${sent.digest('hex')}`
  expect(file).toMatchObject({ size, sha256 })
  await client.packages.finalize(id)

  const { body: bytes } = await client.files.get(id, 'large.bin')
  expect(`sha256:${await sha256Of(bytes)}`).toBe(sha256)

  const peaks = Object.fromEntries(
    await Promise.all(watched.map(async ([service, watch]) => [service, Math.ceil((await watch.peak()) / mebibyte)] as const)),
  )
  process.stdout.write(`peaks of resident memory in MiB: ${JSON.stringify(peaks)}\n`)
  for (const peak of Object.values(peaks)) expect(peak).toBeLessThan(limit)
  // The peaks are of the processes that did it: none was replaced meanwhile.
  for (const service of services) expect(await store.pidOf(service)).toBe(pids[service])
})

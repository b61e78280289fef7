import { join } from 'node:path'
import { pull, push } from '@artifact-store/client'
import { Client } from 'pg'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { cliJson, runCli } from '../src/cli.ts'
import { readTree } from '../src/file-tree.ts'
import { freshReplay, liveState } from '../src/fresh-replay.ts'
import { readEventPages } from '../src/http-events.ts'
import { layOutMixedFiles } from '../src/mixed-files.ts'
import { keptAccess, type RunningStore, startStore } from '../src/running-store.ts'
import { seededRandom } from '../src/seeded-random.ts'
import { temporaryDirectory } from '../src/temporary-directory.ts'

const task = z.looseObject({ phase: z.string(), position: z.int() })
const status = z.looseObject({ position: z.int(), head: z.int(), previous: z.int().optional(), tasks: z.array(task) })

it('rebuilds the views under a push while everybody reads, verifies them, and finds and heals what was spoilt', async () => {
  await using scratch = await temporaryDirectory()
  await using store = await startStore({ dataDirectory: join(scratch.path, 'data') })
  using client = store.client()
  const random = seededRandom(7)
  const first = await push(client, await layOut('first', 40), { name: 'ci/first', kind: 'evidence' })

  // Rebuilt again and again for as long as the push takes, and read all the while.
  const source = await layOut('second', 150)
  let isPushed = false
  const pushing = push(client, source, { name: 'ci/second', kind: 'evidence', concurrency: 8 }).finally(() => {
    isPushed = true
  })
  const reading = readUntil(store, first.id, () => isPushed)
  let rebuilds = 0
  do {
    const rebuilt = await runCli(store, ['admin', 'rebuild', '--wait'])
    expect(rebuilt).toMatchObject({ code: 0, stdout: expect.stringMatching(/^the views were made anew and took over at \d+\n$/) })
    expect(await runCli(store, ['admin', 'rebuild', 'drop-previous'])).toMatchObject({ code: 0, stdout: 'none are kept\n' })
    rebuilds += 1
  } while (!isPushed)
  const pushed = await pushing
  expect(await reading).toBeGreaterThan(rebuilds)
  const target = join(scratch.path, 'pulled')
  await pull(client, pushed.id, target)
  expect(await readTree(target)).toEqual(await readTree(source))
  const { length } = await readEventPages(store, 1000)
  expect(await freshReplay(store)).toEqual(await liveState(store, length))

  const verified = await runCli(store, ['admin', 'verify'])
  expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining(`at ${length} the views are what a fresh replay`) })

  await spoil(store, pushed.id)
  const spoilt = await runCli(store, ['admin', 'verify'])
  expect(spoilt.code).toBe(1)
  expect(spoilt.stdout).toContain(`different  artifact_packages  package_id=${pushed.id}\n  producer: live nobody, fresh null\n`)
  expect(spoilt.stderr).toContain(`at ${length} the views differ in 1 row from a fresh replay of the log`)
  const asJson = await runCli(store, ['admin', 'verify', '--json'])
  expect(asJson.code).toBe(1)
  expect(JSON.parse(asJson.stdout)).toMatchObject({
    phase: 'done',
    result: { differences: [{ key: { package_id: pushed.id } }] },
  })

  expect(task.parse(await cliJson(store, ['admin', 'rebuild', '--wait']))).toEqual(
    expect.objectContaining({ phase: 'done', position: length }),
  )
  expect(await runCli(store, ['admin', 'verify'])).toMatchObject({ code: 0 })
  expect(await runCli(store, ['admin', 'rebuild'])).toMatchObject({ code: 1, stderr: expect.stringContaining('drop them first') })
  const now = status.parse(await cliJson(store, ['admin', 'rebuild', 'status']))
  expect(now).toMatchObject({ position: length, head: length, previous: length })
  expect(now.tasks.map(({ phase }) => phase)).toEqual(Array(now.tasks.length).fill('done'))
  expect((await runCli(store, ['admin', 'rebuild', 'status'])).stdout).toMatch(
    /^views +at \d+\nlog +at \d+\nprevious views +kept, at \d+\n/,
  )
  expect(await store.launcher.end('SIGTERM')).toEqual({ code: 0, signal: null })

  async function layOut(name: string, count: number): Promise<string> {
    const directory = join(scratch.path, name)
    await layOutMixedFiles(directory, { seed: name, count, random })
    return directory
  }
})

/** Reads a package and lists packages, with a client that never tries again. @returns how often. */
async function readUntil(store: RunningStore, id: string, isEnough: () => boolean): Promise<number> {
  using client = store.client({ retry: { attempts: 1 } })
  let reads = 0
  let fewest = 0
  while (!isEnough()) {
    expect(await client.packages.get(id)).toMatchObject({ id, state: 'finalized' })
    const { packages } = await client.packages.list({})
    expect(packages.length).toBeGreaterThanOrEqual(fewest)
    fewest = packages.length
    reads += 1
  }
  return reads
}

async function spoil({ launcher }: RunningStore, id: string): Promise<void> {
  const { postgresUrl } = await keptAccess(launcher.dataDirectory)
  const client = new Client({ connectionString: postgresUrl('artifact_store') })
  await client.connect()
  await client.query(`update views.artifact_packages set producer = 'nobody' where package_id = $1`, [id])
  await client.end()
}

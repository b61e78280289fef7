import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { ArtifactStoreClient, pull, push } from '@artifact-store/client'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { cliJson, runCli } from '../src/cli.ts'
import { chooseSeed } from '../src/environment.ts'
import { readTree } from '../src/file-tree.ts'
import { layOutMixedFiles } from '../src/mixed-files.ts'
import { startStore } from '../src/running-store.ts'
import { seededRandom } from '../src/seeded-random.ts'
import { startMoreGateway } from '../src/soak/more-gateways.ts'
import { temporaryDirectory } from '../src/temporary-directory.ts'
import { expectKept, startLoad } from '../src/upgrade/steady-load.ts'

const summary = z.looseObject({ blobs: z.int(), copied: z.int(), removed: z.int(), damaged: z.int() })

it('a new place takes over, the bytes are moved there while others push and the gateway is killed, and the old place is let go of', async () => {
  const seed = chooseSeed()
  await using scratch = await temporaryDirectory()
  const source = join(scratch.path, 'source')
  await layOutMixedFiles(source, { seed: `${seed} moved`, count: 400, random: seededRandom(seed) })
  await using store = await startStore({ dataDirectory: join(scratch.path, 'data') })
  const { token } = store
  const old = join(store.launcher.dataDirectory, 'blobs')
  const [oldPlace, newPlace] = [addressOf(old), addressOf(join(scratch.path, 'new-place'))]
  const pulled = async (url: string, id: string, name: string) => {
    using client = new ArtifactStoreClient({ url, token })
    await pull(client, id, join(scratch.path, name))
    return readTree(join(scratch.path, name))
  }
  using pusher = store.client()
  const { id } = await push(pusher, source, { name: 'ci/moved', kind: 'evidence' })
  const tree = await readTree(source)
  const load = { finished: [] as Awaited<ReturnType<ReturnType<typeof startLoad>['stop']>>[number][] }

  {
    await using gateway = await startMoreGateway(store, 'with-both', { BLOBS_URL: newPlace, BLOBS_OLDER_URLS: oldPlace })
    const { url } = gateway
    expect(await pulled(url, id, 'before')).toEqual(tree)
    const pushing = startLoad(url, token, 2, 'fresh')
    const copy = ['admin', 'migrate', '--from', 'older-1', '--to', 'primary']
    const first = await cliJson({ url, token }, copy)
    expect(summary.parse(first)).toMatchObject({ removed: 0, damaged: 0 })
    expect(summary.parse(await cliJson({ url, token }, copy)).copied).toBe(0)
    load.finished.push(...(await pushing.stop()))

    // Killed in the middle of moving, as soon as the first is gone from the old place.
    const [earliest = ''] = await blobFiles(old)
    const killed = runCli({ url, token }, [...copy, '--remove'])
    await gateway.kill9Once(() => !existsSync(earliest))
    expect(await killed).toMatchObject({ code: 1 })
    const left = await countBlobs(old)
    expect(left).toBeGreaterThan(0)
    await ready(url)
    expect(await pulled(url, id, 'in-between')).toEqual(tree)

    const more = startLoad(url, token, 2, 'fresh')
    const moved = await movedWhenFree({ url, token }, [...copy, '--remove'])
    expect(moved).toMatchObject({ blobs: left, removed: left, damaged: 0 })
    load.finished.push(...(await more.stop()))
    expect(await countBlobs(old)).toBe(0)
  }

  await using gateway = await startMoreGateway(store, 'with-the-new-one', { BLOBS_URL: newPlace })
  const { url } = gateway
  const checked = await runCli({ url, token }, ['admin', 'check', '--bytes'])
  expect(checked, checked.stdout).toMatchObject({ code: 0 })
  expect(await pulled(url, id, 'after')).toEqual(tree)
  expect(load.finished.length).toBeGreaterThan(0)
  await expectKept(url, token, load.finished)
})

const addressOf = (directory: string) => `fs://${pathToFileURL(directory).pathname}`

const countBlobs = async (directory: string) => (await blobFiles(directory)).length

/** In the order of their digests, which is also that of a move. */
async function blobFiles(directory: string): Promise<string[]> {
  const entries = await readdir(join(directory, 'blobs', 'blake3'), { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}

async function ready(url: string): Promise<void> {
  await expect.poll(async () => (await fetch(`${url}/health/ready`).catch(() => undefined))?.ok, { timeout: 60_000 }).toBe(true)
}

/** The database frees the place of a gateway that was killed a moment later. */
async function movedWhenFree(store: { url: string; token: string }, args: readonly string[]): Promise<unknown> {
  for (;;) {
    const { code, stdout, stderr } = await runCli(store, [...args, '--json'])
    if (code === 0) return summary.parse(JSON.parse(stdout))
    if (!stderr.includes('already')) throw new Error(`it ended with ${code}: ${stderr}`)
    await sleep(100)
  }
}

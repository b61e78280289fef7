import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArtifactError, type Digest } from '@artifact-store/core'
import { type ArchiveStore, archiveOnce, maxFetch, openLogArchive, openPostgresLog, type Queryable } from '@artifact-store/log'
import { compileCache, directoryArchive, memoryArchive } from '@artifact-store/testkit'
import { describe, expect, it } from 'vitest'
import { archivedLog } from './archive-world.ts'
import { testAppend, testEvent } from './test-event.ts'

const atOnce = { afterSeconds: 0, graceSeconds: 0, eventsPerSecond: 1e9, maxEvents: 8 }

async function fill(world: Awaited<ReturnType<typeof archivedLog>>, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, i) => world.log.append(testAppend(testEvent({ id: `p${i % 9}`, payload: { i } })))),
  )
}

/** A connection that breaks after so many statements: the statement is done, and its answer lost, or it is not done. */
function breaking(connection: Queryable, after: number, lost: 'statement' | 'answer'): Queryable {
  let left = after
  return {
    async query(config) {
      if (left-- > 0) return connection.query(config)
      if (lost === 'answer') await connection.query(config)
      throw new Error('the connection broke')
    },
  }
}

describe('archiving that is interrupted', () => {
  it.each(['statement', 'answer'] as const)('at any %s goes on as if nothing had been', async lost => {
    await using world = await archivedLog(16)
    await fill(world, 40)
    const before = await world.log.fetchSince(0, maxFetch)
    await world.close()
    let interruptions = 0
    for (let statements = 0; ; statements = (statements + 1) % 14) {
      const done = await archiveOnce(breaking(world.pool, statements, lost), world.store, atOnce).then(
        () => true,
        (error: Error) => {
          expect(error.message).toBe('the connection broke')
          return false
        },
      )
      expect(await openPostgresLog(world.pool, { archive: openLogArchive(world.store) }).fetchSince(0, maxFetch)).toEqual(before)
      if (done) break
      interruptions += 1
    }
    expect(interruptions).toBeGreaterThan(5)
    expect(await world.partitions()).toMatchObject({ 1: 'dropped', 17: 'dropped', 33: 'attached' })
    expect(await world.segments()).toEqual([
      [1, 8],
      [9, 16],
      [17, 24],
      [25, 32],
    ])
  })

  it('by a store that breaks off, or keeps other bytes than it was given, records nothing', async () => {
    await using good = await memoryArchive()
    const stores: ArchiveStore[] = [
      { ...good, put: () => Promise.reject(new Error('no space')) },
      { ...good, put: async (bytes, options) => good.put(first(bytes), options) },
      { ...good, get: () => Promise.reject(new Error('away')) },
    ]
    for (const store of stores) {
      await using world = await archivedLog(16)
      await fill(world, 20)
      await world.close()
      await expect(archiveOnce(world.pool, store, atOnce)).rejects.toThrow()
      expect(await world.segments()).toEqual([])
      expect(await world.tableOnly.fetchSince(0, maxFetch)).toHaveLength(20)
    }
  })

  it('by kill -9, again and again, while the log grows, loses nothing', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'artifact-store-archive-'))
    await using _ = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
    await using store = await directoryArchive(directory)
    await using world = await archivedLog(40, store)
    const archived = async () => (await world.segments()).length
    for (let round = 0; round < 3; round += 1) {
      await fill(world, 200)
      const seen = await archived()
      const archiver = startProcess(world.database.urlFor('log_writer'), directory)
      try {
        // In the middle of it.
        await expect.poll(archived, { timeout: 30_000, interval: 2 }).toBeGreaterThan(seen + round)
      } finally {
        await archiver.kill()
      }
      const all = await openPostgresLog(world.pool, { archive: openLogArchive(store) }).fetchSince(0, maxFetch)
      expect(all.map(e => e.sequence)).toEqual(Array.from({ length: 200 * (round + 1) }, (_, i) => i + 1))
    }
    await world.archiveAll()
    expect(await world.partitions()).toMatchObject({ 1: 'dropped', 521: 'dropped', 561: 'attached' })
    const all = await world.log.fetchSince(0, maxFetch)
    expect(all.map(e => e.payload)).toEqual(all.map((_, i) => ({ i: all[i]?.payload?.['i'] })))
  }, 120_000)
})

describe('a segment that is not as it was', () => {
  it('is told by its name to those who read it and to no others, and its partition is not dropped', async () => {
    const gone = new Set<Digest>()
    await using good = await memoryArchive()
    const store: ArchiveStore = {
      ...good,
      get: (digest, options) => good.get(digest, options).then(bytes => (gone.has(digest) ? first(bytes, 3) : bytes)),
    }
    await using world = await archivedLog(16, store)
    await fill(world, 40)
    const segments: Digest[] = []
    await world.archiveAll({
      graceSeconds: 3600,
      maxEvents: 8,
      onStep: step => {
        if (step.step === 'archived') segments.push(step.segment.digest)
      },
    })
    const damaged = segments[1] as Digest
    gone.add(damaged)
    const read = (after: number, limit: number) =>
      openPostgresLog(world.pool, { archive: openLogArchive(store) }).fetchSince(after, limit)
    expect(await read(0, 8)).toHaveLength(8)
    expect(await read(16, 100)).toHaveLength(24)
    await expect(read(0, 9)).rejects.toMatchObject({
      kind: 'archive-damaged',
      details: { firstSequence: 9, lastSequence: 16, digest: damaged },
    })
    await expect(world.archiveAll()).rejects.toMatchObject({ kind: 'archive-damaged', details: { digest: damaged } })
    expect(await world.partitions()).toMatchObject({ 1: 'detached', 17: 'detached' })

    // Where the store is away, it may come back.
    const away: ArchiveStore = {
      ...good,
      get: () => Promise.reject(new ArtifactError('backend-unavailable', 'the disk is not mounted')),
    }
    await expect(openPostgresLog(world.pool, { archive: openLogArchive(away) }).fetchSince(0, 1)).rejects.toMatchObject({
      kind: 'log-unavailable',
      message: expect.stringContaining('events 1 to 8 of the log cannot be read at the moment: the disk is not mounted'),
    })

    // Put back, all is as before.
    gone.delete(damaged)
    expect(await read(0, 100)).toHaveLength(40)
    await world.archiveAll()
    expect(await world.partitions()).toMatchObject({ 1: 'dropped', 17: 'dropped' })
  })
})

/** Of each chunk the first bytes only. */
async function* first(bytes: AsyncIterable<Uint8Array>, length = 20): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) yield chunk.subarray(0, length)
}

function startProcess(databaseUrl: string, directory: string) {
  const script = new URL('archive-process.ts', import.meta.url).pathname
  const child: ChildProcess = spawn(process.execPath, [script, databaseUrl, directory], {
    env: compileCache(),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  return {
    /** With SIGKILL. */
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

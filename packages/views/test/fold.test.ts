import { newPackageId } from '@artifact-store/core'
import { randomHistory } from '@artifact-store/testkit'
import { registryViews, stateDigest } from '@artifact-store/views'
import { describe, expect, it } from 'vitest'
import { type FoldMemory, openFold } from '../src/fold.ts'
import { inPipelinedTransaction } from '../src/pipeline.ts'
import { storedRows } from '../src/stored-rows.ts'
import { created } from './events.ts'
import { dumpViews, useTestViews } from './test-views.ts'

const views = await useTestViews()
const pool = views.database.poolFor('projector')
const tables = registryViews.map(({ table }) => storedRows(table))

/** Applies everything in one transaction, in batches of so many events, with so much memory. */
async function foldAll(batchSize: number, memory: FoldMemory): Promise<void> {
  await views.writer.reset()
  const events = await views.log.fetchSince(0, 10_000)
  await inPipelinedTransaction(pool, { idleLimitMs: 0, planned: 'once' }, async pipeline => {
    const fold = openFold(pipeline, tables, memory)
    for (let at = 0; at < events.length; at += batchSize) (await fold.load(events.slice(at, at + batchSize)))()
    fold.finish()
  })
}

describe('a fold', () => {
  it.each([
    { batchSize: 1, memory: { turn: { rows: 0, characters: 0 }, turns: 1 } },
    { batchSize: 3, memory: { turn: { rows: 10, characters: 1e9 }, turns: 1 } },
    { batchSize: 50, memory: { turn: { rows: 0, characters: 0 }, turns: 2 } },
    { batchSize: 50, memory: { turn: { rows: 100, characters: 5000 }, turns: 3 } },
    { batchSize: 1000, memory: { turn: { rows: 1e9, characters: 1e9 }, turns: 1 } },
  ])('comes to the same rows, however much of them it keeps in memory: $batchSize at a time, $memory', async given => {
    await views.append(randomHistory({ seed: 41, length: 1500 }))
    for (const batch of await batchesOf(13)) await views.writer.apply(batch)
    const live = await dumpViews(views.reader)
    await foldAll(given.batchSize, given.memory)
    const { checkpoints: _, ...rows } = await dumpViews(views.reader)
    expect({ ...live, ...rows }).toEqual(live)
  })

  it('is lost as a whole when the last of its statements fails', async () => {
    const before = await stateDigest(views.reader)
    const [event] = await views.append([created(newPackageId())])
    if (!event) throw new Error('one event was appended')
    // The second has the sequence of the first, which no two packages have.
    const twice = [event, { ...event, subjectId: newPackageId() }]
    const folding = inPipelinedTransaction(pool, { idleLimitMs: 0, planned: 'once' }, async pipeline => {
      const fold = openFold(pipeline, tables)
      ;(await fold.load(twice))()
      fold.finish()
    })
    await expect(folding).rejects.toMatchObject({ code: '23505', constraint: 'artifact_packages_newest' })
    expect(await stateDigest(views.reader)).toEqual(before)
  })
})

async function batchesOf(size: number) {
  const events = await views.log.fetchSince(0, 10_000)
  return Array.from({ length: Math.ceil(events.length / size) }, (_, i) => events.slice(i * size, i * size + size))
}

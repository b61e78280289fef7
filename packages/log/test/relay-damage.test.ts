import { open, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { defaultStreamName } from '@artifact-store/log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, expectSameNumbers, openLog, operate, startRelay, type TestLog, untilWhole } from './relay-world.ts'
import { type StreamFiles, startBroker, type TestBroker } from './test-broker.ts'

let broker: TestBroker
let log: TestLog

// Some three of the blocks of messages that a server writes.
const events = 5000
const payloadBytes = 4000

beforeAll(async () => {
  ;[broker, log] = await Promise.all([startBroker(), openLog()])
  await log.grow(events, () => ({ text: 'x'.repeat(payloadBytes) }))
})

afterAll(async () => {
  await broker[Symbol.asyncDispose]()
  await log[Symbol.asyncDispose]()
})

async function cutInHalf(file: string | undefined): Promise<void> {
  if (file === undefined) throw new Error('there is no such block')
  await truncate(file, Math.floor((await stat(file)).size / 2))
}

async function overwrite(file: string | undefined): Promise<void> {
  if (file === undefined) throw new Error('there is no such block')
  await using handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(2000, 7), 0, 2000, Math.floor((await stat(file)).size / 2))
}

const index = ({ directory }: StreamFiles) => join(directory, 'msgs', 'index.db')

type Harm = (files: StreamFiles) => Promise<void>

/** What is left has its last message elsewhere or a hole, which cannot be filled: the stream is made anew. */
const beyondRepair: readonly [string, Harm][] = [
  ['its last block was cut in half', files => cutInHalf(files.blocks.at(-1))],
  // Of these three the server knows nothing, and says that it holds every message, until somebody reads them.
  ['its first block was cut in half', files => cutInHalf(files.blocks[0])],
  ['a block in the middle was emptied', files => truncate(files.blocks[1] ?? '', 0)],
  ['a block in the middle was overwritten', files => overwrite(files.blocks[1])],
  ['its first block was removed', files => rm(files.blocks[0] ?? '')],
  ['its last block was removed', files => rm(files.blocks.at(-1) ?? '')],
  ['its description was removed', files => rm(join(files.directory, 'meta.inf'))],
  ['its directory was removed', files => rm(files.directory, { recursive: true })],
]

/** What is left is the log's beginning: the rest is published again. */
const cutShort: readonly [string, Harm][] = [
  [
    'its last block was removed, and the index of all blocks',
    async files => {
      await rm(files.blocks.at(-1) ?? '')
      await rm(index(files))
    },
  ],
  ['the directory of its messages was removed', files => rm(join(files.directory, 'msgs'), { recursive: true })],
]

describe('a stream whose files were damaged while the server was down', () => {
  it.each(beyondRepair)('is made anew with the same numbers when %s', async (_, harm) => {
    await using relay = startRelay(broker, log)
    await relay.until(at(events))
    const before = await incarnation()
    await broker.stop()
    await relay.until(status => status.state === 'disconnected')
    await broker.damage(defaultStreamName, harm)
    await broker.start()
    await expect.poll(incarnation, { timeout: 20_000 }).not.toEqual(before)
    await untilWhole(broker, log)
    await expectSameNumbers(broker, log)
  })

  it.each(cutShort)('is refilled with the same numbers when %s', async (_, harm) => {
    await using relay = startRelay(broker, log)
    await relay.until(at(events))
    const before = await incarnation()
    await broker.stop()
    await relay.until(status => status.state === 'disconnected')
    await broker.damage(defaultStreamName, harm)
    await broker.start()
    await untilWhole(broker, log)
    await expectSameNumbers(broker, log)
    expect(await incarnation()).toEqual(before)
  })

  it('is found to be so by a relay that had never seen it before', async () => {
    {
      await using relay = startRelay(broker, log)
      await relay.until(at(events))
    }
    const before = await incarnation()
    await broker.stop()
    await broker.damage(defaultStreamName, files => cutInHalf(files.blocks[1]))
    await broker.start()
    await using _ = startRelay(broker, log)
    await expect.poll(incarnation, { timeout: 20_000 }).not.toEqual(before)
    await untilWhole(broker, log)
    await expectSameNumbers(broker, log)
  })
})

function incarnation(): Promise<unknown> {
  const created = operate(broker, async manager => (await manager.streams.info(defaultStreamName)).created)
  return created.catch(() => undefined)
}

import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ArtifactStoreClient, type NatsSource, pull } from '@artifact-store/client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { type Acknowledgement, recordAcknowledgements } from '../src/acknowledgements.ts'
import { chooseSeed } from '../src/environment.ts'
import { expectManifest } from '../src/expect-manifest.ts'
import { readTree } from '../src/file-tree.ts'
import { type Follower, follow } from '../src/follower.ts'
import { freshReplay, liveState } from '../src/fresh-replay.ts'
import { followServerSentEvents, readEventPages } from '../src/http-events.ts'
import { followJetStream, streamState } from '../src/jetstream-events.ts'
import { layOutMixedFiles } from '../src/mixed-files.ts'
import { pushUnderFire } from '../src/push-under-fire.ts'
import { keptAccess, type RunningStore, startStore } from '../src/running-store.ts'
import { seededRandom } from '../src/seeded-random.ts'
import { payloadDigestOf, type SeenEvent, seenEvent } from '../src/seen-event.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../src/temporary-directory.ts'

const seed = chooseSeed()
process.stdout.write(`crashes are seeded with ${seed} (E2E_SEED=${seed} has them again)\n`)

const opened = new AsyncDisposableStack()
let scratch: TemporaryDirectory
let store: RunningStore
beforeAll(async () => {
  scratch = opened.use(await temporaryDirectory())
  store = opened.use(await startStore({ dataDirectory: join(scratch.path, 'data') }))
})
afterAll(() => opened.disposeAsync())

const parts = ['gateway', 'log-writer', 'projector', 'postgres', 'nats'] as const

it.for(parts)('loses nothing that was acknowledged when kill -9 hits the %s again and again during a push', async part => {
  const random = seededRandom(seed + parts.indexOf(part))
  const source = join(scratch.path, `${part}-source`)
  await layOutMixedFiles(source, { seed: `${seed} ${part}`, count: 300, random })
  const files = await readTree(source)
  const moments = [...[random(), random()].sort((a, b) => a - b), 1]
  process.stdout.write(`the ${part} is killed at ${moments.map(moment => moment.toFixed(3)).join(', ')} of the push\n`)

  using client = store.client()
  await using subscriber = followWithSdk(client)
  await using overNats = followWithSdk(client, { url: (await keptAccess(store.launcher.dataDirectory)).natsUrl })
  using recording = recordAcknowledgements(store.url)
  const pushed = await pushUnderFire(store, source, { part, moments })
  expect(pushed).toMatchObject({ fileCount: files.size })
  // The only way to say no to a push that is right is to ask for patience.
  expect(new Set(recording.refused)).toEqual(new Set(recording.refused.length === 0 ? [] : [503]))

  const target = join(scratch.path, `${part}-pulled`)
  await pull(client, pushed.id, target)
  expect(await readTree(target)).toEqual(files)
  await expectManifest(store, pushed, files)

  const events = await expectOneHistory(store)
  // Whoever subscribed before the first crash has seen each event once, in order.
  expect(await subscriber.upTo(events.length)).toEqual(events)
  expect(await overNats.upTo(events.length)).toEqual(events)
  expectAcknowledged(recording.acknowledged, events, pushed.id)
  const live = await liveState(store, events.length)
  expect(await freshReplay(store)).toEqual(live)
  // What a killed gateway had half written is collected by the next.
  await expect.poll(() => readdir(join(scratch.path, 'data', 'blobs', 'staging')), { timeout: 30_000 }).toEqual([])
})

it('fills the event stream again with the same numbers when all of JetStream is lost', async () => {
  const events = await expectOneHistory(store)
  await store.launcher.end('SIGTERM')
  await rm(join(scratch.path, 'data', 'nats', 'jetstream'), { recursive: true })
  store = opened.use(await startStore({ dataDirectory: join(scratch.path, 'data') }))
  expect(await expectOneHistory(store)).toEqual(events)
  const { natsUrl } = await keptAccess(store.launcher.dataDirectory)
  expect(await streamState(natsUrl)).toEqual({ first: 1, last: events.length, messages: events.length })
})

/** Follows the log as a user of the SDK would, which connects again by itself. */
function followWithSdk(client: ArtifactStoreClient, nats?: NatsSource): Follower {
  return follow(async function* (signal) {
    for await (const event of client.events.subscribe({ signal, nats })) yield seenEvent(event)
  })
}

/** The log is gapless from 1, every payload has its digest, and pages, server-sent stream and JetStream tell the same. */
async function expectOneHistory({ launcher, url, token }: RunningStore): Promise<readonly SeenEvent[]> {
  const events = await readEventPages({ url, token }, 1000)
  expect(events.map(event => event.sequence)).toEqual(events.map((_, i) => i + 1))
  for (const event of events) expect(event.payloadDigest).toBe(await payloadDigestOf(event))
  await using onServerSent = followServerSentEvents({ url, token })
  expect(await onServerSent.upTo(events.length)).toEqual(events)
  const { natsUrl } = await keptAccess(launcher.dataDirectory)
  await using onJetStream = await followJetStream(natsUrl)
  expect(await onJetStream.upTo(events.length)).toEqual(events)
  return events
}

/** Every write that was acknowledged stands in the log, at the position that the answer told or, when it was a repeat, before it. */
function expectAcknowledged(acknowledged: readonly Acknowledgement[], events: readonly SeenEvent[], id: string): void {
  const addedAt = new Map<string, number>()
  for (const { type, subject, sequence, payload } of events) {
    if (type !== 'v1.package.files-added' || subject !== `package/${id}`) continue
    for (const { path } of filesAdded.parse(payload).files) addedAt.set(path, sequence)
  }
  const prefix = `/v1/packages/${id}/files/`
  const added = new Set<number>()
  for (const { method, path, status, position } of acknowledged) {
    if (position !== undefined) expect(position).toBeLessThanOrEqual(events.length)
    if (method !== 'PUT' || !path.startsWith(prefix)) continue
    const sequence = addedAt.get(decodeURIComponent(path.slice(prefix.length)))
    if (status === 201) expect(sequence).toBe(position)
    else expect(sequence).toBeLessThanOrEqual(position ?? events.length)
    added.add(sequence ?? 0)
  }
  expect(added.size).toBeGreaterThan(0)
}

const filesAdded = z.looseObject({ files: z.array(z.looseObject({ path: z.string() })) })

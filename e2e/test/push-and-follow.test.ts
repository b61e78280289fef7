import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { cliJson } from '../src/cli.ts'
import { expectManifest, type Sealed } from '../src/expect-manifest.ts'
import { type FileFacts, readTree } from '../src/file-tree.ts'
import { followServerSentEvents, readEventPages } from '../src/http-events.ts'
import { followJetStream } from '../src/jetstream-events.ts'
import { layOutRealOutputs } from '../src/real-outputs.ts'
import { keptAccess, type RunningStore, startStore } from '../src/running-store.ts'
import { payloadDigestOf, type SeenEvent } from '../src/seen-event.ts'
import { temporaryDirectory } from '../src/temporary-directory.ts'

const largeFile = { seed: 'push-and-follow', size: 300_000_000 }
const pushed = z.looseObject({
  id: z.string(),
  fileCount: z.int(),
  totalSize: z.int(),
  sentBytes: z.int(),
  manifestDigest: z.string(),
  manifestSha256: z.string(),
})

it('keeps what a real run of this project made, through a restart and through kill -9 of everything, and tells of it the same everywhere', async () => {
  await using scratch = await temporaryDirectory()
  const dataDirectory = join(scratch.path, 'data')
  const outputs = join(scratch.path, 'outputs')

  const before = await pushWhileFollowing(dataDirectory, outputs)
  {
    await using store = await startStore({ dataDirectory })
    await expectAllOfIt(store, before, join(scratch.path, 'after-restart'))
    await store.launcher.kill9()
  }
  await using store = await startStore({ dataDirectory })
  await expectAllOfIt(store, before, join(scratch.path, 'after-kill-9'))
  expect(await store.launcher.end('SIGTERM')).toEqual({ code: 0, signal: null })
})

/** What there was before, and has to be there ever after. */
interface Known {
  readonly sealed: Sealed
  readonly files: ReadonlyMap<string, FileFacts>
  readonly manifest: string
  readonly events: readonly SeenEvent[]
}

async function pushWhileFollowing(dataDirectory: string, outputs: string): Promise<Known> {
  await using store = await startStore({ dataDirectory })
  const { natsUrl } = await keptAccess(dataDirectory)
  await using onJetStream = await followJetStream(natsUrl)
  await using onServerSent = followServerSentEvents(store)
  // The log is this launcher's own; the line with the token is nobody's business.
  const log = store.launcher.lines.filter(line => !line.startsWith('token: '))
  await layOutRealOutputs(outputs, { log, large: largeFile })
  const files = await readTree(outputs)
  expect([...files.keys()]).toEqual(
    expect.arrayContaining(['large/generated.bin', 'logs/launcher.log', 'reports/junit-packages.xml', 'sbom.cdx.json']),
  )
  expect(files.get('large/generated.bin')?.size).toBe(largeFile.size)

  const sealed = pushed.parse(
    await cliJson(store, ['push', outputs, '--name', 'ci/nightly', '--kind', 'evidence', '--label', 'suite=e2e']),
  )
  const totalSize = files.values().reduce((sum, { size }) => sum + size, 0)
  expect(sealed).toMatchObject({ fileCount: files.size, totalSize })
  const manifest = await expectManifest(store, sealed, files)

  const events = await readEventPages(store)
  expectWholeStory(events, sealed, files)
  for (const event of events) expect(event.payloadDigest).toBe(await payloadDigestOf(event))
  expect(await onJetStream.upTo(events.length)).toEqual(events)
  expect(await onServerSent.upTo(events.length)).toEqual(events)
  const known = { sealed, files, manifest, events }
  await expectAllOfIt(store, known, `${outputs}-pulled`)
  expect(await store.launcher.end('SIGTERM')).toEqual({ code: 0, signal: null })
  return known
}

/** The package's life has no gap, and the events name each file and each blob once. */
function expectWholeStory(events: readonly SeenEvent[], { id }: Sealed, files: ReadonlyMap<string, FileFacts>): void {
  expect(events.map(event => event.sequence)).toEqual(events.map((_, i) => i + 1))
  const ofPackage = events.filter(event => event.subject === `package/${id}`)
  expect(ofPackage.map(event => event.subjectRevision)).toEqual(ofPackage.map((_, i) => i + 1))
  expect(ofPackage.at(0)?.type).toBe('v1.package.created')
  expect(ofPackage.at(-1)?.type).toBe('v1.package.finalized')
  const added = ofPackage.filter(event => event.type === 'v1.package.files-added')
  const paths = added.flatMap(event => filesAdded.parse(event.payload).files.map(file => file.path))
  expect(paths).toHaveLength(files.size)
  expect(new Set(paths)).toEqual(new Set(files.keys()))
  const stored = events.filter(event => event.type === 'v1.blob.stored').map(event => event.subject)
  expect(new Set(stored).size).toBe(stored.length)
  expect(stored).toEqual(expect.arrayContaining([...files.values()].map(({ blake3 }) => `blob/${blake3}`)))
}

const filesAdded = z.looseObject({ files: z.array(z.looseObject({ path: z.string() })) })

/** All of it is there: the package by its name, every byte, the manifest, and the events on all three ways to read them. */
async function expectAllOfIt(store: RunningStore, known: Known, target: string): Promise<void> {
  const { sealed, files, manifest, events } = known
  const listed = await cliJson(store, ['ls', '--name', 'ci/nightly', '--label', 'suite=e2e'])
  expect(listed).toMatchObject({ packages: [{ id: sealed.id, state: 'finalized', manifestDigest: sealed.manifestDigest }] })
  await cliJson(store, ['pull', sealed.id, target])
  expect(await readTree(target)).toEqual(files)
  expect(await expectManifest(store, sealed, files)).toBe(manifest)

  const { natsUrl } = await keptAccess(store.launcher.dataDirectory)
  await using onJetStream = await followJetStream(natsUrl)
  await using onServerSent = followServerSentEvents(store)
  expect(await readEventPages(store)).toEqual(events)
  expect(await onServerSent.upTo(events.length)).toEqual(events)
  expect(await onJetStream.upTo(events.length)).toEqual(events)
}

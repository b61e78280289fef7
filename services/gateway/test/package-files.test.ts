import { randomUUID } from 'node:crypto'
import {
  blake3,
  digestFromBytes,
  type FileEntry,
  makeEvent,
  newPackageId,
  type PackageId,
  parseArtifactPath,
  parsePackageKind,
  parsePackageName,
  parseSha256,
} from '@artifact-store/core'
import { type Condition, openPostgresLog } from '@artifact-store/log'
import { createTestDatabase } from '@artifact-store/testkit'
import { createViewWriter, findFiles, findPackage, replay, viewsDatabase } from '@artifact-store/views'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { createPackageFiles } from '../src/registry/package-files.ts'
import { followViews } from '../src/views-follower.ts'

const database = await createTestDatabase()
afterAll(() => database[Symbol.asyncDispose]())
const log = openPostgresLog(database.poolFor('log_writer'))
const writer = createViewWriter(database.poolFor('projector'))
const reader = database.poolFor('gateway')
const views = viewsDatabase(reader)
const follower = followViews(reader)
const files = createPackageFiles({ log, follower, views, backend: 'memory:' })

/** No projector runs here: the views move when this is called. */
const catchUp = () => replay(log, writer, { reset: false })

let id: PackageId
beforeEach(async () => {
  id = newPackageId()
  await append(
    makeEvent({
      type: 'v1.package.created',
      subjectId: id,
      actor: 'ci',
      payload: {
        name: parsePackageName('ci/ahead'),
        kind: parsePackageKind('report'),
        labels: {},
        inputs: [],
        retentionClass: 'default',
      },
    }),
  )
  await catchUp()
})

async function append(event: ReturnType<typeof makeEvent>, conditions: Condition[] = []): Promise<number> {
  const outcome = await log.append({ key: randomUUID(), events: [event], conditions })
  if (outcome.outcome !== 'appended') throw new Error(outcome.outcome)
  return outcome.lastSequence
}

function file(path: string, content = path): FileEntry {
  const digest = digestFromBytes(blake3(content))
  return {
    path: parseArtifactPath(path),
    digest,
    sha256: parseSha256(`sha256:${digest.slice('blake3:'.length)}`),
    size: content.length,
    mediaType: 'text/plain',
  }
}

async function blobRevisions(): Promise<number[]> {
  const events = await log.fetchSince(0, 1000)
  return events.filter(event => event.eventType === 'v1.blob.stored').map(event => event.subjectRevision)
}

describe('files that are added while the views are behind', () => {
  it('are decided on what was just written: the same is unchanged, other bytes and directories are refused, and a blob is told once', async () => {
    const other = file(`b-${id}`, `same ${id}`)
    const first = files.add(id, file('a/b', `same ${id}`), 'ci')
    // The second is in the next batch, which is decided when the first is in the log and nowhere else.
    await new Promise(resolve => setImmediate(resolve))
    const [again, taken, below, elsewhere] = [
      file('a/b', `same ${id}`),
      file('a/b', 'other bytes'),
      file('a', 'a file where a directory is'),
      other,
    ].map(addition => files.add(id, addition, 'ci')) as [Promise<unknown>, Promise<unknown>, Promise<unknown>, Promise<unknown>]
    const { position } = await first
    expect(await again).toMatchObject({ outcome: 'unchanged', position: expect.any(Number) })
    await expect(taken).rejects.toMatchObject({ kind: 'path-taken' })
    await expect(below).rejects.toMatchObject({ kind: 'path-conflict' })
    expect(await elsewhere).toMatchObject({ outcome: 'added' })
    expect(await findFiles(views, id, [parseArtifactPath('a/b')])).toEqual([])
    await catchUp()
    const shown = await findFiles(views, id, [parseArtifactPath('a/b'), other.path])
    expect(new Set(shown.map(({ path }) => path))).toEqual(new Set(['a/b', other.path]))
    expect(new Set(await blobRevisions())).toEqual(new Set([1]))
    expect(position).toBeGreaterThan(0)
  })

  it('wait for the views when somebody else has written meanwhile, and are decided on both', async () => {
    const first = files.add(id, file('one'), 'ci')
    await new Promise(resolve => setImmediate(resolve))
    const second = files.add(id, file('two'), 'ci')
    await first
    await append(
      makeEvent({ type: 'v1.package.files-added', subjectId: id, actor: 'other', payload: { files: [file('theirs')] } }),
    )
    const taken = files.add(id, file('theirs', 'other bytes'), 'ci')
    const [two, theirs] = await untilSettled(Promise.allSettled([second, taken]))
    expect(two).toMatchObject({ status: 'fulfilled', value: { outcome: 'added' } })
    expect(theirs).toMatchObject({ status: 'rejected', reason: { kind: 'path-taken' } })
  })

  it('are added by the thousand, each once', async () => {
    const additions = Array.from({ length: 6500 }, (_, i) => file(`many/${i % 6000}`))
    const added = await untilSettled(Promise.all(additions.map(addition => files.add(id, addition, 'ci'))))
    expect(added.filter(({ outcome }) => outcome === 'added').length).toBe(6000)
    await catchUp()
    expect(await findPackage(views, id)).toMatchObject({ fileCount: 6000 })
  })
})

/** Moves the views until that has settled. */
async function untilSettled<T>(promise: Promise<T>): Promise<T> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  while (!settled) {
    follower.told(await catchUp())
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return promise
}

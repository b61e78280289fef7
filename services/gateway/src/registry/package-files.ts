import {
  type AddResult,
  type ArtifactPath,
  decideAddFiles,
  type FileEntry,
  type FoundPaths,
  isArtifactError,
  lookUpPath,
  makeEvent,
  type NewEvent,
  type PackageHead,
  type PackageId,
  pathsToLookUp,
} from '@artifact-store/core'
import { createFunnel, type Funnel } from '@artifact-store/log'
import { currentRequest, inRequest, joinRequests, type RequestContext } from '@artifact-store/service'
import { findBlobs, findDirectories, findFiles } from '@artifact-store/views'
import type { GatewayContext } from '../context.ts'
import { Companions } from './companions.ts'
import { type Decision, decideAndAppend } from './decide-and-append.ts'
import { JustWritten } from './just-written.ts'
import { packageHead } from './package-head.ts'
import { blobsAfter, blobsRepaired, blobsStored, type KnownBlob } from './store-blob.ts'

/** Adds files to packages. */
export interface PackageFiles {
  /**
   * Adds one file whose bytes are stored. Outcomes and refusals as `decideAddFiles` says; resolves when it is in the log.
   * @param options.known says that the bytes were there before and none came: then they heal nothing.
   * @param options.arrival of this file, where it was announced: then it waits a little for others that were, to go with them.
   */
  add(id: PackageId, file: FileEntry, actor: string, options?: AddOptions): Promise<AddedFile>
  /** Says that a file will be added as soon as its few bytes are stored. To be disposed of when it will not. */
  announce(id: PackageId): Disposable
  /** What a file at that path would meet, as far as it is known before its bytes are: `add` decides.
   * @throws ArtifactError `package-not-found`, `package-sealed`, `path-conflict`. */
  lookUp(id: PackageId, path: ArtifactPath): Promise<LookedUp>
}

interface AddOptions {
  readonly known?: boolean
  readonly arrival?: Disposable | undefined
}

interface AddedFile {
  readonly outcome: 'added' | 'unchanged'
  /** The file as the package has it. */
  readonly file: FileEntry
  readonly position: number | undefined
}

/** How many files one event may name: at their longest paths it stays below what a message broker carries. */
const maxFilesPerEvent = 250
/** How many files one append may bring: with an event for each content, and those of the files, it stays below what an append may have. */
const maxFilesPerAppend = 1000

/** How far decisions may be ahead of the views, so that what is remembered of them stays small. */
const maxFilesAhead = 5 * maxFilesPerAppend

/**
 * Every file changes the package's revision, so uploads to one package at the same time would contend. They are funnelled instead: each
 * package has at most one append in flight, and the files that come meanwhile go into one event with the next.
 */
export function createPackageFiles(gateway: Gateway): PackageFiles {
  // Only packages that are written to at this moment have a funnel.
  const inUse = new Map<PackageId, { readonly funnels: Funnels; users: number }>()
  function enter(id: PackageId): Disposable & { readonly funnels: Funnels } {
    const used = inUse.get(id) ?? { funnels: createFunnels(gateway, id), users: 0 }
    inUse.set(id, used)
    used.users += 1
    return {
      funnels: used.funnels,
      [Symbol.dispose]: () => {
        used.users -= 1
        if (used.users === 0) inUse.delete(id)
      },
    }
  }
  return {
    async add(id, file, actor, { known = false, arrival } = {}) {
      using entered = enter(id)
      const { additions, companions } = entered.funnels
      if (arrival) {
        arrival[Symbol.dispose]()
        await companions.gather()
      }
      return await additions.submit({ file, actor, known, request: currentRequest() })
    },
    announce(id) {
      const stack = new DisposableStack()
      stack.use(stack.use(enter(id)).funnels.companions.announce())
      return stack
    },
    async lookUp(id, path) {
      using entered = enter(id)
      return await entered.funnels.lookUps.submit(path)
    },
  }
}

type Gateway = Pick<GatewayContext, 'log' | 'follower' | 'views' | 'backend'>

interface Funnels {
  readonly additions: Funnel<Addition, AddedFile>
  /** Those that come at the same time are one set of queries. */
  readonly lookUps: Funnel<ArtifactPath, LookedUp>
  readonly companions: Companions
}

interface LookedUp {
  readonly head: PackageHead
  readonly present: FileEntry | undefined
}

function createFunnels(gateway: Gateway, id: PackageId): Funnels {
  const lookUps = createFunnel<ArtifactPath, LookedUp>({
    async run(paths) {
      const [head, found] = await Promise.all([
        packageHead(gateway, id),
        findPaths(
          gateway,
          id,
          paths.map(path => ({ path })),
        ),
      ])
      return paths.map(path => {
        try {
          return { head, present: lookUpPath(head, path, found) }
        } catch (error) {
          if (isArtifactError(error)) return error
          throw error
        }
      })
    },
    maxWeight: maxFilesPerAppend,
    maxWaiting: 10_000,
  })
  return { additions: createPackageFunnel(gateway, id), lookUps, companions: new Companions() }
}

interface Addition {
  readonly file: FileEntry
  readonly actor: string
  readonly known: boolean
  readonly request: RequestContext | undefined
}

function createPackageFunnel(gateway: Gateway, id: PackageId): Funnel<Addition, AddedFile> {
  const justWritten = new JustWritten()
  return createFunnel<Addition, AddedFile>({
    async run(batch) {
      if (justWritten.position !== undefined && justWritten.files > maxFilesAhead)
        await gateway.follower.reached(justWritten.position)
      const { answer, position } = await forAll(batch, () =>
        decideAndAppend(gateway, () => decide(gateway, id, batch, justWritten)),
      )
      if (position !== undefined) justWritten.add({ ...answer.written, position })
      // What is there already may be so by an append before, which the views do not show yet.
      const shownAt = justWritten.position
      return answer.results.map(result => (result.outcome === 'refused' ? result.error : { ...result, position: shownAt }))
    },
    // One event has one actor.
    guard: () => {
      let first: string | undefined
      return {
        admit(addition) {
          first ??= addition.actor
          return addition.actor === first
        },
      }
    },
    maxWeight: maxFilesPerAppend,
    maxWaiting: 10_000,
  })
}

/** The funnel goes on under the name of the request that began it, which is long answered. */
function forAll<Result>(batch: readonly Addition[], work: () => Result): Result {
  const request = joinRequests(batch.map(addition => addition.request))
  return request ? inRequest(request, work) : work()
}

interface Additions {
  readonly results: readonly AddResult[]
  /** What the package and the blobs are when this is appended. */
  readonly written: { readonly revision: number; readonly files: readonly FileEntry[]; readonly blobs: readonly KnownBlob[] }
}

async function decide(
  gateway: Pick<GatewayContext, 'views' | 'backend'>,
  id: PackageId,
  additions: readonly Addition[],
  justWritten: JustWritten,
): Promise<Decision<Additions>> {
  const files = additions.map(addition => addition.file)
  const actor = additions[0]?.actor ?? ''
  const shown = await packageHead(gateway, id)
  const [foundPaths, knownBlobs] = await Promise.all([
    findPaths(gateway, id, files),
    findBlobs(
      gateway.views,
      files.map(file => file.digest),
    ),
  ])
  const { head, found, blobs } = justWritten.over({ head: shown, found: foundPaths, blobs: knownBlobs }, files)
  const decision = decideAddFiles(head, files, found)
  const put = additions.filter(addition => !addition.known).map(addition => addition.file)
  const repaired = blobsRepaired(put, blobs, { actor, backend: gateway.backend })
  const stored = blobsStored(decision.add, blobs, actor)
  const added = filesAdded(id, decision.add, actor)
  const [event, ...others] = [...repaired.events, ...stored.events, ...added]
  const answer = {
    results: decision.results,
    written: {
      revision: head.revision + added.length,
      files: decision.add,
      blobs: blobsAfter([...repaired.events, ...stored.events], blobs),
    },
  }
  if (!event) return { answer }
  return {
    answer,
    append: {
      events: [event, ...others],
      conditions: [{ subject: { kind: 'package', id }, revision: head.revision }, ...repaired.conditions, ...stored.conditions],
    },
  }
}

/** The events that say so, in the order of the files. */
function filesAdded(id: PackageId, files: readonly FileEntry[], actor: string): NewEvent[] {
  const events: NewEvent[] = []
  for (let start = 0; start < files.length; start += maxFilesPerEvent) {
    const named = files.slice(start, start + maxFilesPerEvent)
    events.push(makeEvent({ type: 'v1.package.files-added', subjectId: id, actor, payload: { files: named } }))
  }
  return events
}

/** What the package has where these files would go. */
async function findPaths(
  gateway: Pick<GatewayContext, 'views'>,
  id: PackageId,
  files: readonly { readonly path: ArtifactPath }[],
): Promise<FoundPaths> {
  const [present, directories] = await Promise.all([
    findFiles(gateway.views, id, pathsToLookUp(files)),
    findDirectories(
      gateway.views,
      id,
      files.map(file => file.path),
    ),
  ])
  return { files: new Map(present.map(file => [file.path, file])), directories: new Set(directories) }
}

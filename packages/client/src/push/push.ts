import { stat } from 'node:fs/promises'
import { ArtifactError } from '@artifact-store/core'
import type { ArtifactStoreClient } from '../client.ts'
import { concurrently } from '../concurrently.ts'
import type { Finalized, NewPackage, Package } from '../packages.ts'
import { type HashedFile, hashFile } from './hash-file.ts'
import { intoPages, oneAhead } from './page.ts'
import { PushMeter, type PushProgress } from './progress.ts'
import { walkSourceTree } from './source-tree.ts'
import { PackageStorer } from './store-page.ts'
import { surveySourceTree } from './survey.ts'

/** Into which package: a new one, or an open one of which a push was broken off. */
export type PushTarget = NewPackage | { readonly packageId: string }

export interface TransferOptions {
  /** How many files move at once; 8 where nothing is said. A push sends four times as many where they are small. */
  readonly concurrency?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export type PushOptions = PushTarget & TransferOptions & { readonly onProgress?: ((progress: PushProgress) => void) | undefined }

export interface PushResult extends Finalized {
  /** How many files and bytes of the directory there are, and how many bytes had to travel: the rest was known to the store. */
  readonly pushedFiles: number
  readonly pushedBytes: number
  readonly sentBytes: number
  /** Directories with nothing in them, which no package keeps. */
  readonly emptyDirectories: number
}

/** Of a page, all that is remembered is a few hundred bytes a file, however large the directory is. */
const pageLimits = { files: 500, bytes: 64 * 1024 * 1024 }

/**
 * Pushes all files of a directory and finalizes the package. Bytes that the store knows do not travel; what travels is checked on arrival
 * against the digests computed here. Memory is bounded, whatever the number and size of the files.
 *
 * Everything is looked at before a package is made, so what cannot be stored is refused with nothing done. A push that breaks off later
 * leaves an open package, to be continued with `packageId` (which `onProgress` tells) or to be discarded.
 * @throws ArtifactError `invalid-path` naming all that cannot be stored, `digest-mismatch` for a file that changed meanwhile, `path-taken`
 * when the continued package has other bytes at a path, `package-sealed` when it is not open; the signal's reason when that aborts.
 */
export async function push(client: ArtifactStoreClient, directory: string, options: PushOptions): Promise<PushResult> {
  const { concurrency = 8, signal, onProgress } = options
  const survey = await surveySourceTree(directory, signal)
  const meter = new PushMeter(survey, onProgress)
  const opened = await openPackage(client, options)
  meter.opened(opened.id)

  const storer = new PackageStorer(client, opened.id, { concurrency, meter, signal })
  const pages = oneAhead(hashPages(directory, { concurrency, meter, signal }))
  for await (const page of pages) await storer.store(page)

  meter.enter('finalizing')
  const finalized = await client.packages.finalize(opened.id, { signal })
  const { filesStored, bytesStored, bytesSent } = meter.progress
  return {
    ...finalized,
    pushedFiles: filesStored,
    pushedBytes: bytesStored,
    sentBytes: bytesSent,
    emptyDirectories: survey.emptyDirectories,
  }
}

async function openPackage(client: ArtifactStoreClient, options: PushOptions): Promise<Package> {
  const { signal } = options
  if ('packageId' in options) {
    const found = await client.packages.get(options.packageId, { signal })
    if (found.state === 'open') return found
    throw new ArtifactError('package-sealed', `package ${found.id} is ${found.state}: only an open package can be pushed to`, {
      details: { id: found.id },
    })
  }
  const { name, version, kind, producer, labels, inputs, retentionClass } = options
  return client.packages.create({ name, version, kind, producer, labels, inputs, retentionClass }, { signal })
}

async function* hashPages(
  directory: string,
  options: { concurrency: number; meter: PushMeter; signal: AbortSignal | undefined },
): AsyncGenerator<HashedFile[], void, undefined> {
  const { concurrency, meter, signal } = options
  for await (const page of intoPages(filesOf(directory, signal), pageLimits, file => file.size)) {
    const hashed: HashedFile[] = []
    const work = async (file: (typeof page)[number], workSignal: AbortSignal) => {
      hashed.push(await hashFile(file, { signal: workSignal, onBytes: bytes => meter.hashed(bytes) }))
    }
    await concurrently(page, concurrency, work, signal)
    yield hashed
  }
}

async function* filesOf(directory: string, signal: AbortSignal | undefined) {
  for await (const found of walkSourceTree(directory, signal)) {
    // The survey has found none: this one is new.
    if ('refused' in found) throw new ArtifactError('invalid-path', found.refused)
    if ('location' in found) yield { ...found, size: (await stat(found.location)).size }
  }
}

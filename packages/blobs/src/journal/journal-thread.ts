import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { Digest } from '@artifact-store/core/digest'
import { type ErrorKind, isArtifactError, isErrno } from '@artifact-store/core/errors'
import { onDiskSync } from '../disk/on-disk.ts'
import { blobLayout, blobPath, shardOf } from '../layout.ts'
import { stagingName } from '../staging-name.ts'
import { Segment } from './segment.ts'

/** What the thread works on. */
export interface JournalPlace {
  readonly directory: string
  readonly owner: string
}

export interface JournaledBlob {
  readonly digest: Digest
  /** Where its bytes are in the batch. */
  readonly offset: number
  readonly length: number
}

export type JournalOrder =
  /** Make these records durable and the blobs in them visible. */
  | { readonly records: ArrayBuffer; readonly blobs: readonly JournaledBlob[] }
  /** Begin a new segment with the next batch. */
  | { readonly seal: true }

export interface JournalAnswer {
  /** The segment that was written to or sealed; where that failed, the one that is open. */
  readonly segment: string | undefined
  readonly failure?: {
    readonly kind: ErrorKind
    readonly message: string
    readonly details: Readonly<Record<string, unknown>>
  }
}

/** From so many bytes on, a new segment is begun: whoever replays one has all of it in memory. */
const segmentBytes = 16 * 1024 * 1024

const { directory, owner } = workerData as JournalPlace
const layout = blobLayout(directory)
let segment: Segment | undefined

parentPort?.on('message', (order: JournalOrder) => parentPort?.postMessage(obey(order)))

function obey(order: JournalOrder): JournalAnswer {
  try {
    if ('seal' in order) return { segment: seal() }
    if (segment !== undefined && segment.length >= segmentBytes) seal()
    segment ??= new Segment(join(layout.journal, stagingName(owner)))
    segment.append(new Uint8Array(order.records))
    for (const { digest, offset, length } of order.blobs) writeBlob(digest, new Uint8Array(order.records, offset, length))
    return { segment: segment.path }
  } catch (error) {
    if (isArtifactError(error))
      return { segment: segment?.path, failure: { kind: error.kind, message: error.message, details: error.details } }
    throw error
  }
}

function seal(): string | undefined {
  const sealed = segment?.path
  segment?.close()
  segment = undefined
  return sealed
}

/** As a put does it, but for the flushes: what a power failure takes is written again from the journal. */
function writeBlob(digest: Digest, bytes: Uint8Array): void {
  const staged = join(layout.staging, stagingName(owner))
  try {
    const descriptor = onDiskSync('make', staged, () => openSync(staged, 'wx', 0o444))
    try {
      onDiskSync('write to', staged, () => {
        for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done)
      })
    } finally {
      closeSync(descriptor)
    }
    const shard = shardOf(layout, digest)
    onDiskSync('move a finished blob into', shard, () => renameInto(shard, staged, blobPath(layout, digest)))
  } catch (error) {
    rmSync(staged, { force: true })
    throw error
  }
}

function renameInto(shard: string, from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    mkdirSync(shard, { recursive: true })
    renameSync(from, to)
  }
}

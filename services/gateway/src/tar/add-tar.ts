import { type ByteStream, smallBlobBytes } from '@artifact-store/blobs'
import { type ContentDigests, type PackageId, parseArtifactPath } from '@artifact-store/core'
import { problemOf } from '@artifact-store/service'
import type { GatewayContext } from '../context.ts'
import { fileTooLarge, tooManyFiles } from '../limits/upload-limits.ts'
import { type FileResult, toFileDocument } from '../routes/file-document.ts'
import { InOrder } from './in-order.ts'
import { type RefusedEntry, type TarFile, tarEntries } from './tar-entries.ts'

/** How much is under way at once, in files and bytes of small files: as much as fills the batches of disk and log. */
const window = { files: 1000, bytes: 8 * 1024 * 1024 }

/** What became of a stream. */
export interface TarSummary {
  readonly files: number
  readonly added: number
  readonly unchanged: number
  readonly refused: number
  /** The last position of the log that it wrote to; absent when it wrote nothing. */
  readonly position?: number | undefined
  /** Why it was not read to its end; absent when it was. */
  readonly failure?: unknown
}

interface Added extends FileResult {
  readonly position?: number | undefined
}

/**
 * Adds the files of a tar stream to a package, each as a put of its own would: a file that is refused does not keep the others out. Small files are held
 * in memory, large ones stream; many are under way at once, so that they share the waits for the disk and the log.
 * @param tell is given the results in the order of the archive, each when its file is in the log.
 */
export async function addTar(
  gateway: GatewayContext,
  archive: { readonly id: PackageId; readonly actor: string; readonly bytes: ByteStream; readonly signal: AbortSignal },
  tell: (results: readonly FileResult[]) => Promise<void>,
): Promise<TarSummary> {
  const { id, actor, bytes, signal } = archive
  const count = { files: 0, added: 0, unchanged: 0, refused: 0 }
  let position: number | undefined
  let failure: unknown
  let seen = 0
  const { maxBytes, maxFiles } = gateway.uploadLimits
  const underWay = new InOrder<Added>(window, async results => {
    for (const result of results) {
      count.files += 1
      count[outcomes[result.status] ?? 'refused'] += 1
      if (result.position !== undefined) position = Math.max(position ?? 0, result.position)
    }
    await tell(results.map(({ position: _, ...result }) => result))
  })

  /** The file's result, whatever becomes of it. What is not the file's fault ends the reading as well. */
  async function resultOf(name: string, content: () => Promise<Content>): Promise<Added> {
    try {
      const path = parseArtifactPath(name)
      const added = await gateway.packageFiles.add(id, { path, ...(await content()) }, actor)
      return { path, status: added.outcome === 'added' ? 201 : 200, file: toFileDocument(added.file), position: added.position }
    } catch (error) {
      const problem = problemOf(error)
      if (problem.status >= 500) failure ??= error
      gateway.countRefusal(error)
      return { path: name, status: problem.status, problem }
    }
  }

  async function begin(entry: TarFile | RefusedEntry): Promise<void> {
    const { name } = entry
    const refused = 'error' in entry ? entry.error : entry.size > maxBytes ? fileTooLarge(maxBytes, entry.size) : undefined
    if (refused !== undefined || 'error' in entry)
      return underWay.add(
        resultOf(name, () => Promise.reject(refused)),
        0,
      )
    const { size, expect, mediaType } = entry
    if (size <= smallBlobBytes) {
      await underWay.room(size)
      const whole = await readWhole(entry)
      return underWay.add(
        resultOf(name, async () => ({ ...(await gateway.blobs.putBytes(whole, { expect })), mediaType })),
        size,
      )
    }
    await underWay.room(0)
    const read = Promise.withResolvers<void>()
    const result = resultOf(name, async () => {
      const stored = gateway.blobs.put(entry.bytes, { size, expect, signal })
      stored.then(
        () => read.resolve(),
        () => read.resolve(),
      )
      return { ...(await stored), mediaType }
    })
    underWay.add(result, 0)
    // The next entry comes only when this one has been read.
    await Promise.race([read.promise, result])
  }

  try {
    for await (const entry of tarEntries(bytes)) {
      if (failure !== undefined) break
      seen += 1
      if (seen > maxFiles) throw tooManyFiles(maxFiles)
      await begin(entry)
    }
  } catch (error) {
    failure ??= error
  }
  await underWay.ended()
  return { ...count, position, failure }
}

type Content = ContentDigests & { readonly mediaType: string }

const outcomes: Readonly<Record<number, 'added' | 'unchanged'>> = { 201: 'added', 200: 'unchanged' }

async function readWhole({ bytes, size }: TarFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  const [first = new Uint8Array(), ...others] = chunks
  return others.length === 0 ? first : Buffer.concat(chunks, size)
}

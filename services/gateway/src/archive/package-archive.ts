import type { Digest, PackageId } from '@artifact-store/core'
import { listFiles } from '@artifact-store/views'
import type { GatewayContext } from '../context.ts'
import type { Representation } from '../http/send-representation.ts'
import { type ArchiveSource, archiveBytes, archiveLength, archiveTotals } from './archive.ts'
import { filesPerPage } from './checksum-pages.ts'
import type { ArchivedFile, ArchiveFormat, ArchiveTotals } from './format.ts'
import { gathered } from './gather.ts'
import type { PackageChecksums } from './package-checksums.ts'

/** What the archives of packages are made with. */
export interface Archives {
  readonly checksums: PackageChecksums
  /** How archives that were asked for lately are laid out. */
  readonly laidOut: Map<string, ArchiveTotals>
}

/** More are forgotten, and laid out again: three numbers each. */
const mostRemembered = 1000

/**
 * A finalized package as one file. Its bytes follow from its manifest and the format, so its ETag is made of these, and any gateway goes on where another
 * broke off.
 */
export async function packageArchive(
  gateway: Pick<GatewayContext, 'views' | 'blobs' | 'archives'>,
  format: ArchiveFormat,
  sealed: { readonly id: PackageId; readonly manifest: Digest; readonly fileName: string },
  signal: AbortSignal,
): Promise<Representation> {
  const { id, manifest, fileName } = sealed
  const { checksums } = gateway.archives
  const files = () => filePages(gateway, id)
  const source: ArchiveSource = {
    async *pages() {
      let index = 0
      for await (const page of files()) {
        const at = index
        let sums: Promise<Uint32Array> | undefined
        yield { files: page, checksums: () => (sums ??= checksums.page(manifest, at, page)) }
        index += 1
      }
    },
    open: ({ digest, size }, range) => gateway.blobs.get(digest, { size, range, signal }),
  }
  const etag = `"${format.name}-${format.version}-${manifest}"`
  const totals = await remembered(gateway.archives.laidOut, etag, () => archiveTotals(format, source))
  return {
    etag,
    size: archiveLength(format, totals),
    mediaType: format.mediaType,
    digests: [],
    fileName,
    async open(range) {
      if (format.hasChecksums) await checksums.ready({ manifest, pages: files })
      return gathered(archiveBytes(format, source, totals, range))
    },
  }
}

async function remembered(
  known: Map<string, ArchiveTotals>,
  key: string,
  make: () => Promise<ArchiveTotals>,
): Promise<ArchiveTotals> {
  const totals = known.get(key) ?? (await make())
  known.delete(key)
  known.set(key, totals)
  const [oldest] = known.keys()
  if (known.size > mostRemembered && oldest !== undefined) known.delete(oldest)
  return totals
}

async function* filePages(gateway: Pick<GatewayContext, 'views'>, id: PackageId): AsyncGenerator<readonly ArchivedFile[]> {
  let after: string | undefined
  for (;;) {
    const page = await listFiles(gateway.views, id, { after, limit: filesPerPage })
    if (page.length > 0) yield page
    after = page.at(-1)?.path
    if (page.length < filesPerPage) return
  }
}

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { isErrno } from '@artifact-store/core'
import { createBLAKE3 } from 'hash-wasm'
import type { LogEvent } from './check/evidence.ts'

/** The events of all segments in an archive, in order, read as docs/ARCHIVE.md describes them and by nothing of ours. */
export async function readSegments(archive: string): Promise<LogEvent[]> {
  const hasher = await createBLAKE3()
  const events = new Map<number, LogEvent>()
  for (const path of await filesIn(join(archive, 'blobs'))) {
    const [, ...lines] = zstdDecompressSync(await readFile(path))
      .toString()
      .trimEnd()
      .split('\n')
    for (const line of lines) {
      const said = JSON.parse(line)
      const payloadJson: string = said.payloadText ?? line.slice(line.indexOf(',"payload":') + ',"payload":'.length, -1)
      events.set(said.sequence, {
        sequence: said.sequence,
        revision: said.subjectRevision,
        type: said.eventType,
        kind: said.subjectKind,
        id: said.subjectId,
        actor: said.actor,
        digest: said.payloadDigest.replace('blake3:', ''),
        time: said.createdAt,
        payloadJson,
        computedDigest: hasher.init().update(payloadJson).digest('hex'),
      })
    }
  }
  return [...events.values()].sort((a, b) => a.sequence - b.sequence)
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}

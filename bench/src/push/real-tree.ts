import { copyFile, mkdir, opendir, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const largest = 1024 * 1024

/** Copies so many files of the dependencies of this repository, as they lie there, into the directory. @returns how many there were, and their bytes. */
export async function copyRealTree(directory: string, most: number): Promise<{ files: number; bytes: number }> {
  const root = fileURLToPath(import.meta.resolve('../../../node_modules/.pnpm'))
  let files = 0
  let bytes = 0
  const made = new Set<string>()
  for await (const entry of await opendir(root, { recursive: true })) {
    if (files === most) break
    if (!entry.isFile()) continue
    const from = join(entry.parentPath, entry.name)
    const { size } = await stat(from)
    if (size > largest) continue
    const to = join(directory, relative(root, from))
    if (!made.has(dirname(to))) await mkdir(dirname(to), { recursive: true })
    made.add(dirname(to))
    await copyFile(from, to)
    files += 1
    bytes += size
  }
  return { files, bytes }
}

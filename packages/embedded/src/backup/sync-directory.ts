import { open } from 'node:fs/promises'

/** Flushes the names in a directory, which the flush of a file does not cover. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path)
  await directory.sync()
}

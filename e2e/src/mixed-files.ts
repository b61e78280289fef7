import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { generatedBytes } from './generated-bytes.ts'

/** Lays out many files of mixed sizes: most small, some of megabytes, some empty, and every tenth with the bytes of the one before. */
export async function layOutMixedFiles(
  directory: string,
  files: { seed: string; count: number; random: () => number },
): Promise<void> {
  const { seed, count, random } = files
  let bytes = Buffer.alloc(0)
  for (let i = 0; i < count; i++) {
    if (i % 10 !== 9) bytes = Buffer.concat([...generatedBytes(`${seed}/${i}`, chooseSize(random))])
    const path = join(directory, `part-${i % 7}`, `${i}.bin`)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
  }
}

function chooseSize(random: () => number): number {
  const kind = random()
  const largest = kind < 0.05 ? 0 : kind < 0.65 ? 8 * 1024 : kind < 0.95 ? 256 * 1024 : 3 * 1024 * 1024
  return Math.floor(random() * largest)
}

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Disk, smallDisk } from './disk.ts'

/** How much room each has, in mebibytes, where it is a file system of its own: enough for a run, and soon full. */
const sizes = { postgres: 256, nats: 64, blobs: 64 } as const

export type DiskName = keyof typeof sizes

/** Where the parts of a world keep what they keep. */
export interface Places extends AsyncDisposable {
  readonly directories: Readonly<Record<DiskName, string>>
  readonly disks: ReadonlyMap<DiskName, Disk>
}

/** @param small whether each lies on a small file system of its own. */
export async function openPlaces(directory: string, small: boolean): Promise<Places> {
  await using opened = new AsyncDisposableStack()
  const disks = new Map<DiskName, Disk>()
  const place = async (name: DiskName) => {
    const path = join(directory, name)
    if (small) disks.set(name, opened.use(await smallDisk(path, sizes[name])))
    const inside = join(path, 'files')
    await mkdir(inside, { recursive: true, mode: 0o700 })
    return inside
  }
  const directories = { postgres: await place('postgres'), nats: await place('nats'), blobs: await place('blobs') }
  const kept = opened.move()
  return { directories, disks, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

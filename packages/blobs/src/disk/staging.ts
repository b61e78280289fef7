import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, readlink, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isErrno } from '@artifact-store/core'
import { onDisk } from './on-disk.ts'

/** A staging file that nobody wrote to for that long has no writer, wherever it ran: 24 hours, in milliseconds. */
export const abandonedAfter = 24 * 60 * 60 * 1000

const stagingGrammar = /^[0-9a-f]{16}\.[1-9]\d*\.[0-9a-f]{16}$/

/** A name for a staging file that no other put has, of this process or of another that shares the directory. */
export function stagingName(owner: string): string {
  return `${owner}.${process.pid}.${randomBytes(8).toString('hex')}`
}

/**
 * What a process id must be read together with: the machine, its boot and the pid namespace. Containers that share a volume
 * all have a pid 1, so a pid alone would make one gateway throw away what another is writing.
 */
export async function stagingOwner(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return createHash('sha256').update(`${hostname()}\n${boot}\n${namespace}`).digest('hex').slice(0, 16)
}

/**
 * Removes what crashed processes left: files of this owner whose process is gone, and those that nobody wrote to for
 * `abandonedAfter`. Never one that may be in use.
 * @param now milliseconds since 1970.
 * @returns how many were removed.
 */
export async function collectStaging(directory: string, owner: string, now: number = Date.now()): Promise<number> {
  let removed = 0
  for (const name of await onDisk('list', directory, readdir(directory))) {
    if (!stagingGrammar.test(name)) continue
    const path = join(directory, name)
    if (!(isOrphan(name, owner) || (await isAbandoned(path, now)))) continue
    await onDisk('remove', path, rm(path, { force: true }))
    removed += 1
  }
  return removed
}

function isOrphan(name: string, owner: string): boolean {
  const [whose, pid] = name.split('.')
  return whose === owner && !isRunning(Number(pid))
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !isErrno(error, 'ESRCH')
  }
}

async function isAbandoned(path: string, now: number): Promise<boolean> {
  try {
    return now - (await stat(path)).mtimeMs > abandonedAfter
  } catch (error) {
    // Its put has just ended.
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

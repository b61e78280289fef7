import { createHash, randomBytes } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { isErrno } from '@artifact-store/core/errors'

/** What is in staging and was not written to for that long has no writer, wherever it ran: 24 hours, in milliseconds. */
export const abandonedAfter = 24 * 60 * 60 * 1000

const grammar = /^[0-9a-f]{16}\.[1-9]\d*\.[0-9a-f]{16}$/

/**
 * A name for something in staging that no other put has, of this process or of another that shares the store.
 * @param maker eight hex digits by which whoever makes names knows its own again.
 */
export function stagingName(owner: string, maker: string = randomBytes(4).toString('hex')): string {
  return `${owner}.${process.pid}.${maker}${randomBytes(4).toString('hex')}`
}

/** Whether `stagingName` may have made it; what others put there is not ours to remove. */
export function isStagingName(name: string): boolean {
  return grammar.test(name)
}

/** Whether it was made by a process of this owner that is gone. */
export function isOrphan(name: string, owner: string): boolean {
  const [whose, pid] = name.split('.')
  return whose === owner && !isRunning(Number(pid))
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

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !isErrno(error, 'ESRCH')
  }
}

import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ArtifactError, isErrno } from '@artifact-store/core'
import { commandLine, endProcess } from './process-table.ts'

export const natsConfigFile = (directory: string) => join(directory, 'nats-server.conf')
export const natsPidFile = (directory: string) => join(directory, 'nats-server.pid')

/** Stops a server that still runs on this directory because what started it was killed. Returns whether there was one. */
export async function stopLeftoverNats(directory: string, log?: (line: string) => void): Promise<boolean> {
  const pid = await readPid(natsPidFile(directory))
  const isOurs = async (pid: number) => {
    const command = await commandLine(pid)
    return command?.includes('nats-server') && command.endsWith(`-c ${natsConfigFile(directory)}`)
  }
  if (pid === undefined || !(await isOurs(pid))) return false
  log?.(`stopping the NATS server that an earlier run left behind (process ${pid})`)
  const gone = await endProcess(pid, async () => !(await isOurs(pid)), [
    ['SIGTERM', 10_000],
    ['SIGKILL', 5_000],
  ])
  if (!gone)
    throw new ArtifactError(
      'backend-unavailable',
      `the NATS server of an earlier run (process ${pid}) on ${directory} does not stop: end it, then start again`,
    )
  await rm(natsPidFile(directory), { force: true })
  return true
}

async function readPid(file: string): Promise<number | undefined> {
  try {
    const pid = Number.parseInt(await readFile(file, 'utf8'), 10)
    return Number.isInteger(pid) && pid > 1 ? pid : undefined
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

